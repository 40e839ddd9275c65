import type { Host } from '../../core/host.ts';
import {
  type IdentityItem,
  type IdentityItemName,
  type IdentityReport,
  identityItems,
  type KnownIdentity,
} from '../../core/identity.ts';
import type { Io } from '../../core/io.ts';
import type { VmRecord } from '../../core/record.ts';
import type { MountedShare, SetupInput } from '../../core/setup.ts';
import { printable } from '../../lib/printable.ts';
import { missingShares } from '../shares.ts';
import {
  describeKeys,
  describeShares,
  fingerprint,
  type IdentityFacts,
  readIdentityFacts,
} from './read-facts.ts';
import { readServedKey } from './served-key.ts';

/** How far the guest's clock may be from this host's, in milliseconds. */
const largestSkew = 1000;

/** What a machine shall be. */
export interface ExpectedIdentity extends KnownIdentity {
  readonly hostname: string;
  /** The public key, as OpenSSH writes it; `undefined` when nobody knows. */
  readonly hostKey: string | undefined;
  /** The contents of `authorized_keys`, the user's and then root's. */
  readonly loginKeys: readonly string[];
  readonly shares: readonly MountedShare[];
  /** A number that the guest's kernel has drawn before. */
  readonly random?: string | undefined;
}

/** A value that was found, and whether it is what it should be. */
interface Finding {
  readonly wanted: string;
  readonly found: string;
  readonly by: string;
  readonly isRight: boolean;
}

/**
 * Reads each item of a running machine's identity and compares it. It asks the guest agent's file commands, its clock,
 * and sshd itself, and starts no process in the guest but what sshd answers with. What is not right is in the report;
 * fails with `guest-failed` only when the agent is lost. May be repeated.
 */
export async function proveIdentity(
  host: Host,
  {
    input,
    expected,
    served,
  }: { input: SetupInput; expected: ExpectedIdentity; served?: Promise<string> },
  io: Io,
): Promise<IdentityReport> {
  const { guest, plan } = input;
  const key = served ?? startReadingKey(host, input.record, io);
  const facts = await readIdentityFacts(guest, plan, io);
  const skew = await readSkew(host, input, io);
  return report(expected, { facts, skew, served: await key });
}

/** Asks sshd for its key while other things are done; what comes of it is looked at by who waits for it, if anybody. */
export function startReadingKey(host: Host, record: VmRecord, io: Io): Promise<string> {
  const served = readServedKey(host, record, io);
  served.catch(() => {});
  return served;
}

function report(
  expected: ExpectedIdentity,
  read: { facts: IdentityFacts; skew: number; served: string },
): IdentityReport {
  const { template } = expected;
  const { texts, mounts } = read.facts;
  /** An id no two machines may have: the wanted one where it is known, and in no case the template's. */
  const unique = (name: 'machine-id' | 'boot-id', wanted: string | undefined, form: RegExp) => {
    const found = texts[name];
    return {
      wanted: wanted ?? 'one of its own',
      found,
      by: 'agent',
      isRight: form.test(found) && found !== template[name] && found === (wanted ?? found),
    };
  };
  const same = (name: 'hostname' | 'hosts' | 'login-key', wanted: string) => ({
    wanted,
    found: texts[name],
    by: 'agent',
    isRight: texts[name] === wanted,
  });
  const hostKey = expected.hostKey === undefined ? undefined : fingerprint(expected.hostKey);
  const findings: Record<IdentityItemName, Finding> = {
    random: {
      wanted: 'numbers of its own',
      found: texts.random,
      by: expected.random === undefined ? 'agent' : 'helper and agent',
      isRight:
        uuid.test(texts.random) &&
        uuid.test(expected.random ?? texts.random) &&
        texts.random !== expected.random &&
        texts.random !== template.random,
    },
    clock: clockFinding(read.skew),
    'machine-id': unique('machine-id', expected.machineId, /^[0-9a-f]{32}$/),
    'boot-id': unique('boot-id', expected.bootId, uuid),
    hostname: same('hostname', expected.hostname),
    hosts: same('hosts', `127.0.1.1 ${expected.hostname}`),
    'host-key': {
      wanted: hostKey ?? 'one of its own',
      found: read.served,
      by: 'sshd',
      isRight:
        read.served.startsWith('SHA256:') &&
        read.served !== template['host-key'] &&
        read.served === (hostKey ?? read.served),
    },
    'login-key': same('login-key', describeKeys(expected.loginKeys)),
    shares: {
      wanted: describeShares(
        expected.shares.map(({ tag, guest, mode }) => ({
          ...{ source: tag, path: guest, readOnly: mode === 'ro' },
        })),
      ),
      found: texts.shares,
      by: 'agent',
      isRight: missingShares(expected.shares, mounts).length === 0,
    },
  };
  return {
    items: identityItems.map(
      (item): IdentityItem => ({
        ...{ item, ...findings[item], template: template[item] },
        wanted: printable(findings[item].wanted, 1000),
        found: printable(findings[item].found, 1000),
      }),
    ),
  };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a clock that is this much off is worth. */
export function clockFinding(skew: number): Finding {
  return {
    wanted: `within ${largestSkew / 1000} s of the host's`,
    found: `${skew < 0 ? '-' : '+'}${(Math.abs(skew) / 1000).toFixed(3)} s`,
    by: 'agent',
    isRight: Math.abs(skew) < largestSkew,
  };
}

/**
 * Milliseconds by which the guest's clock is ahead of the host's, or behind: the least that fits what was seen, since the
 * answer was made at some moment between the question and its coming.
 */
export async function readSkew(host: Host, { guest }: SetupInput, io: Io): Promise<number> {
  const asked = host.now();
  const time = await guest.time(io);
  const answered = host.now();
  return time < asked ? time - asked : Math.max(0, time - answered);
}

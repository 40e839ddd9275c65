import { CloneboxError, isCloneboxError } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import {
  type IdentityBaseline,
  type IdentityItem,
  type IdentityItemName,
  type IdentityReport,
  identityItems,
  type KnownIdentity,
} from '../../core/identity.ts';
import type { Io } from '../../core/io.ts';
import type { Introduction, SetupInput } from '../../core/setup.ts';
import type { Paths, VmPaths } from '../../core/store.ts';
import { authorizedKeys } from '../authorized-keys.ts';
import { liveShares, sharesUnit } from '../shares.ts';
import { openHelper, type ResidentHelper } from './client.ts';
import { clockStep, introductionSteps } from './introduction-steps.ts';
import {
  clockFinding,
  type ExpectedIdentity,
  proveIdentity,
  readSkew,
  startReadingKey,
} from './prove.ts';
import { nothing, readIdentityFacts } from './read-facts.ts';

interface Deps {
  readonly host: Host;
  readonly paths: Paths;
}

const phase = { id: 'identity', title: 'Making it itself' };

/** What a template's machine is. Two clones that had it too would be one machine twice. */
export async function readBaseline(
  { plan, guest }: Pick<SetupInput, 'plan' | 'guest'>,
  io: Io,
): Promise<IdentityBaseline> {
  const { texts, hostKeyFile } = await readIdentityFacts(guest, plan, io);
  const all: Partial<Record<IdentityItemName, string>> = { ...texts, 'host-key': hostKeyFile };
  return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== nothing));
}

/** As `GuestSetup.introduce` says. */
export async function introduce(
  deps: Deps,
  { input, introduction }: { input: SetupInput; introduction: Introduction },
  io: Io,
): Promise<IdentityReport> {
  const { host } = deps;
  const { identity, template } = introduction;
  const ownKey = await readOwnKey(host, deps.paths.vm(input.record.name));
  const helper = await openHelper(host, helperOf(input), io);
  const over = new AbortController();
  const given = { ...io, signal: AbortSignal.any([io.signal, over.signal]) };
  try {
    const steps = introductionSteps(input, introduction, { ownKey, now: host.now() });
    const answer = await helper.ask(steps.first, io).catch(refused);
    // sshd takes longer to answer than all the rest takes.
    const served = startReadingKey(host, input.record, given);
    const later = await helper.ask(steps.rest, io).catch(refused);
    if (input.shareDriver === 'virtiofs') {
      await introduction.answered;
      await mountByUnit(input, io);
    }
    io.log.debug('guest.introduction.done', {
      microseconds: `${answer.get('spent')}${later.get('spent')}`,
    });
    const expected: ExpectedIdentity = {
      ...{ hostname: identity.hostname, machineId: identity.machineId, bootId: identity.bootId },
      ...{ hostKey: identity.hostKey.public, template, random: answer.get('random') ?? nothing },
      loginKeys: authorizedKeys(input.plan, [ownKey]).map(({ content }) => content),
      shares: liveShares(input.plan, '9p'),
    };
    await introduction.answered;
    const [proven] = await Promise.all([
      proveIdentity(host, { input, expected, served }, io),
      introduction.meanwhile(),
    ]);
    const report = await setClockAgain(host, { helper, input, report: proven }, io);
    requireRight(report);
    // Its process costs what the second before had no room for.
    await helper.ask([['journal']], io);
    return report;
  } finally {
    over.abort(new Error('given up'));
    helper.close();
  }
}

/** As `GuestSetup.identity` says. What is wanted is in the VM's record and beside it, as far as anything says it. */
export async function readIdentity(
  { host, paths }: Deps,
  { input, known }: { input: SetupInput; known: KnownIdentity },
  io: Io,
): Promise<IdentityReport> {
  const own = paths.vm(input.record.name);
  const ownKey = await readOwnKey(host, own);
  const expected: ExpectedIdentity = {
    ...known,
    hostname: input.plan.name,
    hostKey: await host.files.readText(own.knownHosts),
    loginKeys: authorizedKeys(input.plan, [ownKey]).map(({ content }) => content),
    shares: liveShares(input.plan, input.shareDriver ?? '9p'),
  };
  return proveIdentity(host, { input, expected }, io);
}

/** The helper's socket. Only of machines that come from a template is it asked for. */
export function helperOf({ helper, record }: SetupInput): string {
  if (helper === undefined) throw new Error(`${record.name} has no helper`);
  return helper;
}

async function readOwnKey(host: Host, { publicKey }: VmPaths): Promise<string> {
  return (await host.files.readText(publicKey))?.trim() ?? '';
}

/** On a loaded machine a request may lie about for a second before it is read: the clock that it brings is old by then. */
async function setClockAgain(
  host: Host,
  { helper, input, report }: { helper: ResidentHelper; input: SetupInput; report: IdentityReport },
  io: Io,
): Promise<IdentityReport> {
  const others = report.items.filter((item) => item.item !== 'clock');
  let current = report;
  for (let left = 3; left > 0 && others.every(({ isRight }) => isRight); left--) {
    if (current.items.every(({ isRight }) => isRight)) break;
    await helper.ask([clockStep(host.now())], io).catch(refused);
    const clock = clockFinding(await readSkew(host, input, io));
    const items = current.items.map((item) =>
      item.item === 'clock' ? { ...item, ...clock } : item,
    );
    current = { items };
  }
  return current;
}

/** What is not mounted afterwards is found by looking at the mounts. */
async function mountByUnit({ guest }: SetupInput, io: Io): Promise<void> {
  await guest.exec(['systemctl', 'restart', sharesUnit], io, { timeout: 180_000, cwd: '/' });
}

/** Names what the helper could not do by its item. */
function refused(error: unknown): never {
  if (!isCloneboxError(error, 'guest-failed')) throw error;
  const { step, reason } = error.facts;
  throw new CloneboxError('guest-failed', error.message, {
    hint: error.hint ?? hint,
    facts: { ...error.facts, phase: phase.id, items: itemsOf(String(step), String(reason)) },
    cause: error,
  });
}

/** With a helper that is lost, no item is right as far as anybody knows. */
function itemsOf(step: string, reason: string): readonly IdentityItemName[] {
  const own = identityItems.filter((item) => item === step);
  if (own.length > 0) return own;
  if (step === 'mount') return ['shares'];
  if (/^\/etc\/ssh\//.test(reason)) return ['host-key'];
  if (/\/\.ssh/.test(reason)) return ['login-key'];
  return step === 'undefined' ? identityItems : [];
}

const hint = 'Make it by a boot in place of the kept memory: clonebox clone … --cold';

function requireRight({ items }: IdentityReport): void {
  const wrong = items.filter(({ isRight }) => !isRight);
  if (wrong.length === 0) return;
  const lines = wrong.map(({ item, wanted, found }: IdentityItem) => {
    return `${item}: wanted ${wanted}, found ${found}`;
  });
  throw new CloneboxError(
    'guest-failed',
    `the machine is not itself: ${wrong.map(({ item }) => item).join(', ')}\n${lines.join('\n')}`,
    { hint, facts: { phase: phase.id, items: wrong.map(({ item }) => item), report: items } },
  );
}

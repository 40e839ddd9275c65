import { isCredentialPort } from '../core/credential-ports.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Lease } from '../core/record.ts';
import { sha256 } from '../lib/sha256.ts';

/** A guest port to be reached from the host, and the host port asked for. */
export interface WantedPort {
  readonly name: string;
  readonly guest: number;
  readonly host: number | undefined;
}

const sshFirst = 22_000;
const sshCount = 1000;
const otherFirst = 20_000;
const last = 65_535;

/**
 * Finds a host port for each wanted one, in their order: the port asked for, or the next free one above it; for
 * `ssh` one of 22000 to 22999 that depends on the VM's name, so that it stays the same from one creation to the
 * next; for others the first free from 20000. One that clients send credentials to is nobody's second choice. Fails with `host-unable` when there is none.
 */
export async function choosePorts(
  vm: string,
  wanted: readonly WantedPort[],
  isFree: (port: number) => Promise<boolean>,
): Promise<Lease[]> {
  const taken = new Set<number>();
  const firstFree = async (ports: Iterable<number>): Promise<number | undefined> => {
    for (const port of ports) {
      if (taken.has(port) || !(await isFree(port))) continue;
      taken.add(port);
      return port;
    }
    return undefined;
  };

  // Who can have exactly what it asked for comes first: nobody else's second choice may take it.
  const exact = new Map<WantedPort, number>();
  for (const want of wanted) {
    const port = want.host === undefined ? undefined : await firstFree([want.host]);
    if (port !== undefined) exact.set(want, port);
  }
  const leases: Lease[] = [];
  for (const want of wanted) {
    const host = exact.get(want) ?? (await firstFree(candidates(vm, want)));
    if (host === undefined) {
      const from = want.host ?? otherFirst;
      throw new CloneboxError('host-unable', `no host port is free from ${from} upward`, {
        hint: 'Ask for a lower port, or stop what uses them: ss -ltnp',
        facts: { vm, guest: want.guest, from },
      });
    }
    leases.push({ name: want.name, guest: want.guest, host });
  }
  return leases;
}

function* candidates(vm: string, { name, host }: WantedPort): Generator<number> {
  if (host !== undefined) return yield* upward(host);
  if (name === 'ssh') {
    const start = Number.parseInt(sha256(vm).slice(0, 8), 16) % sshCount;
    for (let step = 0; step < sshCount; step++) yield sshFirst + ((start + step) % sshCount);
  }
  yield* upward(otherFirst);
}

function* upward(from: number): Generator<number> {
  for (let port = from; port <= last; port++) if (!isCredentialPort(port)) yield port;
}

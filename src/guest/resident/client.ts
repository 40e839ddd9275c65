import { randomBytes } from 'node:crypto';
import { CloneboxError } from '../../core/errors.ts';
import type { Host, LineSocket } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { printable } from '../../lib/printable.ts';

/** One thing that the helper is asked to do: a verb of the script (`perl-verbs.ts`) and its arguments. */
export type HelperStep = readonly [verb: string, ...words: readonly (string | Uint8Array)[]];

/** What it answered, by names. Values are the guest's own words: bounded, and nothing more is known of them. */
export type HelperAnswer = ReadonlyMap<string, string>;

/** A connection to the resident helper of one guest. */
export interface ResidentHelper {
  /**
   * Has the steps done, in order, and returns what they answered. Fails with `guest-failed`: `facts.step` is the verb
   * that failed, the steps before it are done and those after it are not.
   */
  ask(steps: readonly HelperStep[], io: Io): Promise<HelperAnswer>;
  close(): void;
}

/** Milliseconds for the helper to answer: a loaded machine that runs twenty emulated guests needs many seconds. */
const patience = 60_000;

/** Milliseconds until the greeting is said again: what a guest was told before it opened its port may be lost. */
const repeat = 5000;

/** The longest answer that is read, in characters, and how many lines that are none of ours may come before it. */
const longestAnswer = 256 * 1024;
const strangers = 1000;

/**
 * Opens the helper behind a socket and waits until it answers, up to a minute: a machine that goes on from kept memory,
 * or boots, may take its time. Fails with `guest-failed`. Nothing in the guest is changed. One client is served at a
 * time: the caller holds the VM's lock. Call `close` when done.
 */
export async function openHelper(host: Host, socketPath: string, io: Io): Promise<ResidentHelper> {
  const limited = withDeadline(io, patience, () => lost('it did not answer'));
  let socket: LineSocket | undefined;
  try {
    for (;;) {
      const opened = await connect(host, socketPath);
      socket = opened;
      if (await greet(opened, limited.signal)) {
        return { ask: (steps, own) => ask(opened, steps, own), close: () => opened.close() };
      }
      opened.close();
      // The port was closed under us: the guest restarts.
      await host.sleep(100, limited.signal);
    }
  } catch (error) {
    socket?.close();
    throw error;
  } finally {
    limited.dispose();
  }
}

/** Opens the helper for these steps alone. Fails as `openHelper` and `ask` do. */
export async function askHelper(
  host: Host,
  socketPath: string,
  { steps, io }: { steps: readonly HelperStep[]; io: Io },
): Promise<HelperAnswer> {
  const helper = await openHelper(host, socketPath, io);
  try {
    return await helper.ask(steps, io);
  } finally {
    helper.close();
  }
}

async function connect(host: Host, path: string): Promise<LineSocket> {
  try {
    return await host.connect(path);
  } catch (cause) {
    throw new CloneboxError('guest-failed', 'the machine is not running', {
      facts: { socket: path },
      cause,
    });
  }
}

/** An empty request, said again until its answer comes. False when the other side has closed. */
async function greet(socket: LineSocket, signal: AbortSignal): Promise<boolean> {
  const ids = new Set<string>();
  for (;;) {
    const id = newId();
    ids.add(id);
    socket.sendBytes(Buffer.from(encodeRequest(id, [])));
    const limited = withDeadline({ signal }, repeat, () => again);
    try {
      return (await receiveAnswer(socket, ids, limited.signal)) !== undefined;
    } catch (error) {
      if (error !== again) throw error;
    } finally {
      limited.dispose();
    }
  }
}

const again = Symbol('no answer yet');

async function ask(
  socket: LineSocket,
  steps: readonly HelperStep[],
  io: Io,
): Promise<HelperAnswer> {
  const limited = withDeadline(io, patience, () => lost('it did not answer'));
  const id = newId();
  try {
    socket.sendBytes(Buffer.from(encodeRequest(id, steps)));
    const words = await receiveAnswer(socket, new Set([id]), limited.signal);
    if (words === undefined) throw lost('it closed its channel');
    return parseAnswer(words);
  } finally {
    limited.dispose();
  }
}

const newId = () => randomBytes(8).toString('hex');

/** A request as the helper reads it, from its first byte to its last. */
export function encodeRequest(id: string, steps: readonly HelperStep[]): string {
  const lines = steps.map(([verb, ...words]) =>
    [verb, ...words.map((word) => Buffer.from(word as string).toString('hex'))].join(' '),
  );
  // The first line ends what an earlier client has left half said.
  return `\nbegin\n${[...lines, `go ${id}`].join('\n')}\n`;
}

/** The words of the answer with one of these ids: answers to clients that have left come first, and are passed over. */
async function receiveAnswer(
  socket: LineSocket,
  ids: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string | undefined> {
  for (let passed = 0; passed < strangers; passed++) {
    const line = await socket.receive(signal);
    if (line === undefined) return undefined;
    if (line.length > longestAnswer) throw lost('its answer is too long');
    const [id = '', ...words] = line.split(' ');
    if (ids.has(id)) return words.join(' ');
  }
  throw lost('what it says is no answer');
}

/** What an answer says. Fails with `guest-failed` when it says that a step failed, and when it makes no sense. */
export function parseAnswer(words: string): HelperAnswer {
  const [outcome, ...rest] = words.split(' ');
  if (outcome === 'failed' && rest.length === 2) {
    const step = printable(rest[0] ?? '', 40);
    const reason = printable(decode(rest[1] ?? ''), 500);
    throw new CloneboxError('guest-failed', `${step} failed in the guest: ${reason}`, {
      facts: { step, reason },
    });
  }
  if (outcome !== 'ok') throw lost('its answer makes no sense');
  return new Map(
    rest.map((pair) => {
      const [name = '', value, ...more] = pair.split('=');
      if (!/^[a-z-]{1,32}$/.test(name) || value === undefined || more.length > 0) {
        throw lost('its answer makes no sense');
      }
      return [name, decode(value)];
    }),
  );
}

function decode(hex: string): string {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw lost('its answer makes no sense');
  return Buffer.from(hex, 'hex').toString('utf8');
}

function lost(reason: string): CloneboxError {
  return new CloneboxError('guest-failed', `the helper in the guest is lost: ${reason}`, {
    hint: 'See its last words: clonebox logs',
  });
}

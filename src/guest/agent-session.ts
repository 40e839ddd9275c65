import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { HeldLock, Host, LineSocket } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { withDeadline } from '../lib/deadline.ts';

/** A reply of the QEMU guest agent (docs/interop/qemu-ga-ref): the guest's words, so loose, bounded and timed. */
const Reply = z.looseObject({
  return: z.unknown().optional(),
  error: z.looseObject({ class: z.string().optional(), desc: z.string().optional() }).optional(),
});

/** How long one command may take before the guest counts as lost, in milliseconds. Emulated guests are slow. */
const commandTimeout = 60_000;

/**
 * A connection to one guest's agent. The agent serves one client, and answers a client that left to the next one;
 * so processes take turns by a lock, a session is kept for as long as it is busy, and starts with a sync.
 */
export class AgentSession {
  private readonly host: Host;
  private readonly socketPath: string;
  private socket: LineSocket | undefined;
  private held: HeldLock | undefined;

  private ended = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(host: Host, socketPath: string) {
    this.host = host;
    this.socketPath = socketPath;
  }

  /** Sends one command and returns its reply. Fails with `guest-failed` when the agent refuses or is lost. */
  async call<T>(
    command: string,
    schema: z.ZodType<T>,
    options: { args?: Record<string, unknown>; io: Io },
  ): Promise<T> {
    const [outcome] = await this.callEach(command, schema, {
      each: [options.args],
      io: options.io,
    });
    if (outcome === undefined) throw lost(`it did not answer ${command}`);
    if (outcome instanceof CloneboxError) throw outcome;
    return outcome.value;
  }

  /**
   * Sends one command several times, with these arguments, and then waits for all replies: one round trip. What the agent
   * refuses is in the place of its reply, an error with `facts.desc`; fails with `guest-failed` when the agent is lost.
   */
  async callEach<T>(
    command: string,
    schema: z.ZodType<T>,
    options: { each: readonly (Record<string, unknown> | undefined)[]; io: Io },
  ): Promise<({ readonly value: T } | CloneboxError)[]> {
    if (options.each.length === 0) return [];
    return this.inTurn(() => this.exchange(command, schema, options));
  }

  private async exchange<T>(
    command: string,
    schema: z.ZodType<T>,
    options: { each: readonly (Record<string, unknown> | undefined)[]; io: Io },
  ): Promise<({ readonly value: T } | CloneboxError)[]> {
    const limited = withDeadline(options.io, commandTimeout, () =>
      lost(`it did not answer ${command}`),
    );
    try {
      const socket = this.socket ?? (await this.open(limited.signal, options.io));
      for (const args of options.each) {
        socket.send(JSON.stringify({ execute: command, ...(args && { arguments: args }) }));
      }
      const outcomes: ({ readonly value: T } | CloneboxError)[] = [];
      for (const _ of options.each) {
        const reply = await receive(socket, limited.signal);
        if (reply.error !== undefined) {
          outcomes.push(refusal(command, reply.error));
          continue;
        }
        const parsed = schema.safeParse(reply.return);
        if (!parsed.success) throw lost(`its answer to ${command} makes no sense`);
        outcomes.push({ value: parsed.data });
      }
      return outcomes;
    } catch (error) {
      await this.drop();
      throw error;
    } finally {
      limited.dispose();
    }
  }

  /** Like `call` for commands that never answer (`guest-shutdown`). */
  async tell(command: string, args: Record<string, unknown>, io: Io): Promise<void> {
    await this.inTurn(async () => {
      const socket = this.socket ?? (await this.open(io.signal, io));
      socket.send(JSON.stringify({ execute: command, arguments: args }));
    });
  }

  /** Waits until the agent answers; only the signal ends it. QEMU keeps what we send until the guest opens its port. */
  async sync(signal: AbortSignal, io: Io): Promise<void> {
    await this.inTurn(async () => {
      if (this.socket === undefined) await this.open(signal, io);
    });
  }

  /**
   * Closes it for good: what is still under way fails instead of opening it again, which would make the lock anew in
   * the runtime directory of a machine that is gone.
   */
  async end(): Promise<void> {
    this.ended = true;
    await this.drop();
  }

  /** Gives the turn to the next process once nothing of ours is under way; the next call opens it again. */
  async close(): Promise<void> {
    await this.inTurn(() => this.drop());
  }

  /** Answers carry no id: what several of us ask at once goes one after the other. */
  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(action);
    this.turn = mine.catch(() => {});
    return mine;
  }

  private async drop(): Promise<void> {
    this.socket?.close();
    this.socket = undefined;
    const held = this.held;
    this.held = undefined;
    await held?.release();
  }

  private async open(signal: AbortSignal, io: Io): Promise<LineSocket> {
    if (this.ended) throw lost('its channel was closed');
    this.held ??= await this.host.lock(`${this.socketPath}.lock`, io, {
      what: 'the guest channel',
      wait: 60_000,
    });
    try {
      if (this.ended) throw lost('its channel was closed');
      for (;;) {
        // Ours at once: until it is closed, the agent has no room for another.
        this.socket = await connect(this.host, this.socketPath);
        if (await synchronise(this.socket, signal)) return this.socket;
        this.socket.close();
        this.socket = undefined;
        // The port was closed under us: the guest restarts. A short pause, then a new connection.
        await this.host.sleep(100, signal);
      }
    } catch (error) {
      await this.drop();
      throw error;
    }
  }
}

async function connect(host: Host, path: string): Promise<LineSocket> {
  try {
    return await host.connect(path);
  } catch (cause) {
    throw new CloneboxError('guest-failed', 'the machine is not running', {
      hint: 'Start it: clonebox start',
      facts: { socket: path },
      cause,
    });
  }
}

/** Discards what an earlier client left, by an id of our own. False when the other side closed. */
async function synchronise(socket: LineSocket, signal: AbortSignal): Promise<boolean> {
  const first = Math.floor(Math.random() * 0x3fff_ffff);
  for (let attempt = 0; ; attempt++) {
    // A byte no JSON may have makes the agent drop a half-sent request first.
    socket.sendBytes(Uint8Array.of(0xff));
    socket.send(JSON.stringify({ execute: 'guest-sync', arguments: { id: first + attempt } }));
    const limited = withDeadline({ signal }, 5000, () => again);
    try {
      for (;;) {
        const line = await socket.receive(limited.signal);
        if (line === undefined) return false;
        const id = syncId(line);
        if (id !== undefined && id >= first && id <= first + attempt) {
          await drain(socket, first + attempt - id, signal);
          return true;
        }
      }
    } catch (error) {
      if (error !== again) throw error;
    } finally {
      limited.dispose();
    }
  }
}

const again = Symbol('no answer yet');

/** Takes the answers to later syncs off the line, so that they are not read as replies. */
async function drain(socket: LineSocket, count: number, signal: AbortSignal): Promise<void> {
  for (let left = count; left > 0; ) {
    const line = await socket.receive(signal);
    if (line === undefined) return;
    if (syncId(line) !== undefined) left--;
  }
}

function syncId(line: string): number | undefined {
  try {
    const value = (JSON.parse(line.replace(/^[^{]+/, '')) as { return?: unknown }).return;
    return typeof value === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}

async function receive(socket: LineSocket, signal: AbortSignal): Promise<z.infer<typeof Reply>> {
  const line = await socket.receive(signal);
  if (line === undefined) throw lost('it closed its channel');
  try {
    return Reply.parse(JSON.parse(line.replace(/^[^{]+/, '')));
  } catch {
    throw lost('its answer is not JSON');
  }
}

function refusal(
  command: string,
  error: NonNullable<z.infer<typeof Reply>['error']>,
): CloneboxError {
  const { class: kind, desc } = error;
  return new CloneboxError(
    'guest-failed',
    `the guest agent refused ${command}: ${desc ?? 'no reason given'}`,
    { facts: { command, class: kind, desc } },
  );
}

function lost(reason: string): CloneboxError {
  return new CloneboxError('guest-failed', `the guest is lost: ${reason}`, {
    hint: 'See its last words: clonebox logs; restart it: clonebox restart',
  });
}

import * as z from 'zod';
import { CloneboxError } from '../../core/errors.ts';
import type { Host, LineSocket } from '../../core/host.ts';

/** Messages of the QEMU Machine Protocol (docs/interop/qmp-spec.txt of QEMU); other programs' input, so loose. */
const Message = z.looseObject({
  QMP: z.unknown().optional(),
  event: z.string().optional(),
  data: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.looseObject({ class: z.string(), desc: z.string() }).optional(),
  id: z.unknown().optional(),
});

/** The replies of the commands CloneBox uses. One row per command. */
const replies = {
  qmp_capabilities: z.looseObject({}),
  'query-status': z.looseObject({ status: z.string(), running: z.boolean() }),
  'query-version': z.looseObject({
    qemu: z.looseObject({ major: z.number(), minor: z.number(), micro: z.number() }),
  }),
  'query-migrate': z.looseObject({
    status: z.string().optional(),
    'error-desc': z.string().optional(),
    'blocked-reasons': z.array(z.string()).optional(),
  }),
  'migrate-set-capabilities': z.looseObject({}),
  migrate: z.looseObject({}),
  'migrate-incoming': z.looseObject({}),
  'query-named-block-nodes': z.array(
    z.looseObject({
      'node-name': z.string(),
      image: z.looseObject({ 'virtual-size': z.number() }).optional(),
    }),
  ),
  'qom-list': z.array(z.looseObject({ name: z.string() })),
  device_add: z.looseObject({}),
  'blockdev-add': z.looseObject({}),
  'blockdev-reopen': z.looseObject({}),
  system_powerdown: z.looseObject({}),
  quit: z.looseObject({}),
  cont: z.looseObject({}),
  stop: z.looseObject({}),
  'announce-self': z.looseObject({}),
  netdev_add: z.looseObject({}),
  netdev_del: z.looseObject({}),
} as const;

type Command = keyof typeof replies;

export type QmpEvent = { readonly event: string; readonly data: unknown };

/** A connected QMP client. QEMU serves one client at a time, so keep it short and close it. */
export interface Qmp {
  execute<C extends Command>(
    command: C,
    args?: Record<string, unknown>,
  ): Promise<z.infer<(typeof replies)[C]>>;
  /** The next event with this name, or `undefined` when QEMU has closed the socket. */
  waitFor(event: string): Promise<QmpEvent | undefined>;
  close(): void;
}

/**
 * Connects and negotiates. Fails with `hypervisor-failed` when QEMU answers nonsense or closes,
 * with the signal's reason when that aborts first.
 */
export async function connectQmp(host: Host, path: string, signal: AbortSignal): Promise<Qmp> {
  const socket = await host.connect(path);
  const client = new QmpClient(socket, signal);
  try {
    await client.greet();
    await client.execute('qmp_capabilities');
    return client;
  } catch (error) {
    socket.close();
    throw error;
  }
}

class QmpClient implements Qmp {
  private readonly socket: LineSocket;
  private readonly signal: AbortSignal;
  private readonly events: QmpEvent[] = [];
  private lastId = 0;

  constructor(socket: LineSocket, signal: AbortSignal) {
    this.socket = socket;
    this.signal = signal;
  }

  async greet(): Promise<void> {
    const message = await this.receive();
    if (message?.QMP === undefined) throw lost('no greeting');
  }

  async execute<C extends Command>(
    command: C,
    args?: Record<string, unknown>,
  ): Promise<z.infer<(typeof replies)[C]>> {
    const id = ++this.lastId;
    this.socket.send(JSON.stringify({ execute: command, ...(args && { arguments: args }), id }));
    for (;;) {
      const message = await this.receive();
      if (message === undefined) throw lost(command);
      if (message.event !== undefined)
        this.events.push({ event: message.event, data: message.data });
      if (message.id !== id) continue;
      if (message.error !== undefined) {
        throw new CloneboxError(
          'hypervisor-failed',
          `QEMU refused ${command}: ${message.error.desc}`,
          {
            facts: { command, class: message.error.class },
          },
        );
      }
      const reply = replies[command].safeParse(message.return);
      if (!reply.success) throw nonsense(JSON.stringify(message.return) ?? 'nothing', reply.error);
      return reply.data as z.infer<(typeof replies)[C]>;
    }
  }

  async waitFor(event: string): Promise<QmpEvent | undefined> {
    for (;;) {
      const index = this.events.findIndex((seen) => seen.event === event);
      if (index >= 0) return this.events.splice(index, 1)[0];
      const message = await this.receive();
      if (message === undefined) return undefined;
      if (message.event !== undefined)
        this.events.push({ event: message.event, data: message.data });
    }
  }

  close(): void {
    this.socket.close();
  }

  private async receive(): Promise<z.infer<typeof Message> | undefined> {
    const line = await this.socket.receive(this.signal);
    if (line === undefined) return undefined;
    try {
      return Message.parse(JSON.parse(line));
    } catch (error) {
      throw nonsense(line, error);
    }
  }
}

function lost(during: string): CloneboxError {
  return new CloneboxError('hypervisor-failed', `QEMU closed its control socket (${during})`, {
    hint: 'It has probably ended: clonebox status shows why.',
  });
}

function nonsense(line: string, cause: unknown): CloneboxError {
  return new CloneboxError('hypervisor-failed', 'QEMU sent a message that is not QMP', {
    facts: { line: line.slice(0, 200) },
    cause,
  });
}

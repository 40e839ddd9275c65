import type { Io } from './io.ts';

/** Everything the audit log can tell of: `ROOM.WHAT`. Later features add theirs here. */
export const auditEvents = [
  'vm.create',
  'vm.update',
  'vm.replace',
  'vm.start',
  'vm.stop',
  'vm.restart',
  'vm.delete',
  'vm.restore',
  'vm.exec',
  'vm.login',
  'vm.copy',
  'port.add',
  'port.remove',
  'image.pull',
  'image.build',
  'image.import',
  'image.prune',
  'template.build',
  'template.keep',
  'template.prune',
  'pool.add',
  'pool.end',
  'config.create',
  'config.modify',
  'config.trust',
  'auth.ssh_key.generated',
  'secret.access',
  'secret.rotate',
  'auth.password.generated',
  'auth.password.changed',
  'auth.password.removed',
  'system.recover',
] as const;

export type AuditEvent = (typeof auditEvents)[number];

/** `denied`: policy or trust said no. `skipped`: it was so already. `partial`: done, but for what `details` names. */
export const auditOutcomes = ['success', 'failure', 'partial', 'denied', 'skipped'] as const;

export type AuditOutcome = (typeof auditOutcomes)[number];

/** Who did it. */
export interface Actor {
  /** The name of the real user id. */
  readonly user: string;
  readonly uid: number;
  /** Who logged in, where the system knows: another one behind sudo or su. */
  readonly login: string | null;
  readonly host: string;
  readonly pid: number;
  /** The address an ssh session came from. */
  readonly remote: string | null;
}

/** What it was done to. */
export interface AuditTarget {
  readonly type: 'vm' | 'image' | 'template' | 'config' | 'system';
  readonly name: string;
}

/** One line of the audit log, without the links of its chain. */
export interface AuditEntry {
  /** The id of the operation: the same in its journal and in its lines of the log. 16 hexadecimal digits, sorted by time. */
  readonly id: string;
  /** When it ended: ISO 8601, UTC. */
  readonly time: string;
  readonly event: AuditEvent;
  readonly outcome: AuditOutcome;
  readonly actor: Actor;
  readonly target: AuditTarget | null;
  readonly durationMs: number;
  /** One for everything that one command line did; CLONEBOX_CORRELATION joins several. */
  readonly correlation: string;
  /** The operation that this one is a part of. */
  readonly parent: string | null;
  /** Redacted. Never the content of files, environments or arguments of guest commands. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The writing half of the audit log. */
export interface Audit {
  /**
   * Makes sure that the line of an operation that is about to begin can be written even if the disk is full by then.
   * Fails with `host-unable` when it cannot: then nothing may be changed.
   */
  reserve(io: Io): Promise<void>;
  /** Gives up the room that `reserve` keeps, for an operation that makes more of it. */
  yieldRoom(): Promise<void>;
  /** Appends a line, synced, as the next link of the chain. An `id` that is there already is not written again. */
  append(entry: AuditEntry, io: Io): Promise<void>;
}

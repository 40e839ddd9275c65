/** A structured log: an event name, then facts. Never prose with values baked in. */
export interface Log {
  debug(event: string, facts?: Readonly<Record<string, unknown>>): void;
  info(event: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(event: string, facts?: Readonly<Record<string, unknown>>): void;
  error(event: string, facts?: Readonly<Record<string, unknown>>): void;
  child(bound: Readonly<Record<string, unknown>>): Log;
}

/** What an operation tells its caller while it runs. The terminal, a server and tests render it. */
export type Progress =
  | { kind: 'phase'; id: string; title: string }
  | { kind: 'detail'; text: string }
  | { kind: 'transfer'; what: string; done: number; total: number | undefined }
  | { kind: 'note'; text: string }
  | { kind: 'warning'; text: string };

/** Goes into every effectful call: how to stop it, where it logs, whom it tells. */
export interface Io {
  readonly signal: AbortSignal;
  readonly log: Log;
  emit(progress: Progress): void;
}

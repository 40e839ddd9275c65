import { newOperationId } from '../lib/operation-id.ts';

/** Ties together what one command line does: its operations, its log lines, its errors. */
export interface Trace {
  /** The command line's own id, and that of its first operation: what an error names. */
  readonly id: string;
  /** Joins several command lines when CLONEBOX_CORRELATION says so; else the same as `id`. */
  readonly correlation: string;
  /** The operation that is going on, around the next one. */
  readonly parent: string | undefined;
  /** The id of the next operation: the first is the command line's own. */
  next(): string;
}

const wellFormed = /^[A-Za-z0-9._-]{1,64}$/;

/** The trace of a command line that begins now. A malformed CLONEBOX_CORRELATION is left aside. */
export function createTrace(env: Readonly<Record<string, string | undefined>>): Trace {
  const id = newOperationId();
  const given = env.CLONEBOX_CORRELATION;
  let first = true;
  return {
    id,
    correlation: given !== undefined && wellFormed.test(given) ? given : id,
    parent: undefined,
    next: () => {
      if (!first) return newOperationId();
      first = false;
      return id;
    },
  };
}

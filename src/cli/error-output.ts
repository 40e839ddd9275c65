import { CloneboxError, type ErrorCode, isCloneboxError, reasonOf } from '../core/errors.ts';
import { readableLines } from '../lib/readable.ts';
import { redact } from '../lib/redact.ts';
import { redactFacts } from '../lib/redact-deep.ts';
import type { Colors } from './colors.ts';

/** The document of a failure (docs/reference/cli.md). */
export interface ErrorDocument {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly hint: string | null;
    readonly facts: Readonly<Record<string, unknown>>;
  };
}

/** The operation that failed: what the log calls it, if it is there. */
export interface FailedOperation {
  readonly id: string;
  readonly isLogged: boolean;
}

interface ErrorOptions {
  readonly verbose: boolean;
  /** `undefined` for a command line that never began. */
  readonly operation?: FailedOperation | undefined;
}

/** The exit code of anything thrown. */
export function exitCodeOf(error: unknown): number {
  return asCloneboxError(error).exitCode;
}

/** A failure for scripts, without secrets. */
export function errorDocument(error: unknown, { verbose, operation }: ErrorOptions): ErrorDocument {
  const known = asCloneboxError(error);
  return {
    error: {
      code: known.code,
      message: redact(known.message),
      hint: known.hint === undefined ? null : redact(known.hint),
      facts: {
        ...redactFacts(known.facts),
        ...(verbose && known.code === 'bug' && { stack: redact(stackOf(error)) }),
        ...(operation && { operation: operation.id }),
      },
    },
  };
}

/** A failure for the log. */
export function failureFacts(error: unknown): Readonly<Record<string, unknown>> {
  const { code, message, hint, facts } = asCloneboxError(error);
  return { code, message, hint, facts, stack: stackOf(error) };
}

/** A failure for people, without secrets: what happened, what to type next; the stack with `verbose`. */
export function errorLines(
  error: unknown,
  { colors, verbose, operation }: ErrorOptions & { colors: Colors },
): string[] {
  const known = asCloneboxError(error);
  const [first = known.code, ...rest] = readableLines(redact(known.message));
  if (known.code === 'interrupted' || known.code === 'terminated') return [first];
  const label = known.code === 'bug' ? 'bug in CloneBox' : 'error';
  const hints = readableLines(redact(known.hint ?? ''));
  const story = known.code === 'usage' ? undefined : operation;
  return [
    `${colors.red(colors.bold(`${label}:`))} ${first}`,
    ...rest,
    ...hints.map((line, index) => `${index === 0 ? colors.bold('hint:') : '     '} ${line}`),
    ...(story === undefined ? [] : [colors.dim(storyLine(story))]),
    ...(verbose ? framesOf(error).map((line) => colors.dim(line)) : []),
  ];
}

function storyLine({ id, isLogged }: FailedOperation): string {
  return `operation: ${id}${isLogged ? ` (clonebox logs --operation ${id})` : ''}`;
}

function asCloneboxError(error: unknown): CloneboxError {
  if (isCloneboxError(error)) return error;
  const reason = systemReason(error);
  if (reason !== undefined) {
    return new CloneboxError('host-unable', `${reason} (${reasonOf(error)})`, { cause: error });
  }
  return new CloneboxError('bug', reasonOf(error) || 'something failed without saying why', {
    hint: 'Please report it, with what the same command prints under --verbose.',
    cause: error,
  });
}

const systemReasons: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on a disk of this machine',
  EDQUOT: 'the disk quota of this user is used up',
  EROFS: 'a file system of this machine is read-only',
  EACCES: 'this user may not do that here',
  EPERM: 'this user may not do that here',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
  EIO: 'a disk of this machine failed',
};

/** What the system refuses is no bug, wherever it comes through. */
function systemReason(error: unknown): string | undefined {
  const isSystem = error instanceof Error && 'syscall' in error && 'code' in error;
  return isSystem ? systemReasons[String(error.code)] : undefined;
}

/** The stack of an error and of what caused it. */
function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (let one = error; one !== undefined && stacks.length < 5; ) {
    stacks.push(one instanceof Error ? (one.stack ?? one.message) : String(one));
    one = one instanceof Error ? one.cause : undefined;
  }
  return stacks.join('\ncaused by: ');
}

/** The stack without the message, which is told already. */
function framesOf(error: unknown): string[] {
  const stack = stackOf(error);
  const told = error instanceof Error ? `${error.name}: ${error.message}` : '';
  return readableLines(redact(stack.startsWith(told) ? stack.slice(told.length) : stack));
}

/** JSON of anything: what JSON has no form for becomes text, so that a report never fails. */
export function toJson(value: unknown, indent = 2): string {
  const seen: unknown[] = [];
  const text: string | undefined = JSON.stringify(
    value,
    function (this: unknown, _key, one: unknown) {
      if (typeof one === 'bigint') return one.toString();
      if (one instanceof Error) return one.message;
      if (typeof one !== 'object' || one === null) return one;
      // The chain of objects this one is inside of, as JSON.stringify walks down.
      while (seen.length > 0 && seen.at(-1) !== this) seen.pop();
      if (seen.includes(one)) return '[circular]';
      seen.push(one);
      return one;
    },
    indent,
  );
  return text ?? 'null';
}

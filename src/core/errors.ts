/** Every way CloneBox can fail, and the process exit code of each. The table is the contract with scripts. */
export const exitCodes = {
  bug: 1,
  usage: 2,
  'config-invalid': 3,
  'not-found': 4,
  conflict: 5,
  'host-unable': 6,
  'hypervisor-failed': 7,
  'guest-failed': 8,
  unhealthy: 9,
  refused: 10,
  deadline: 11,
  partial: 12,
  interrupted: 130,
  terminated: 143,
  /** `exec` and `ssh` only: the guest was lost while its command ran. */
  'transport-lost': 255,
} as const;

export type ErrorCode = keyof typeof exitCodes;

/** What accompanies a failure: values a script can read, never prose. */
export type Facts = Readonly<Record<string, unknown>>;

/** The one error of CloneBox: what happened (`message`), what to type next (`hint`), and the facts. */
export class CloneboxError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly facts: Facts;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string | undefined; facts?: Facts; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CloneboxError';
    this.code = code;
    this.hint = options.hint;
    this.facts = options.facts ?? {};
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** True for an error with one of these codes; with no codes, for any `CloneboxError`. */
export function isCloneboxError(error: unknown, ...codes: ErrorCode[]): error is CloneboxError {
  return error instanceof CloneboxError && (codes.length === 0 || codes.includes(error.code));
}

/** The text of anything thrown, for a sentence that quotes it. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

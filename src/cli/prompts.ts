import { CloneboxError } from '../core/errors.ts';

export interface AskOptions {
  /** The answer given by a flag, if it was given. */
  readonly given: boolean;
  /** The flag that answers: what to type where nobody can be asked. */
  readonly flag: string;
  /** Somebody sits at standard input and sees standard error. */
  readonly canAsk: boolean;
  readonly signal: AbortSignal;
}

/** A question with yes or no. Fails with `usage` and names the flag where nobody can answer, never hangs. */
export async function askConfirm(question: string, options: AskOptions): Promise<boolean> {
  if (options.given) return true;
  if (!options.canAsk) {
    throw new CloneboxError('usage', `${question} Nobody can answer here: this is no terminal`, {
      hint: `Answer on the command line: ${options.flag}`,
      facts: { question, flag: options.flag },
    });
  }
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({
    message: question,
    initialValue: false,
    output: process.stderr,
    signal: options.signal,
  });
  options.signal.throwIfAborted();
  if (isCancel(answer)) throw new CloneboxError('interrupted', 'interrupted');
  return answer;
}

/**
 * Asks for a text that is not shown, not even how long it is. `check` says why it cannot be, after "the password"; it is
 * asked for again then. Only for where somebody can answer.
 */
export async function askHidden(
  question: string,
  options: { signal: AbortSignal; check?: (text: string) => string | undefined },
): Promise<string> {
  const { password, isCancel } = await import('@clack/prompts');
  const answer = await password({
    message: question,
    mask: '',
    output: process.stderr,
    signal: options.signal,
    validate: (text) => {
      const problem = options.check?.(text ?? '');
      return problem === undefined ? undefined : `the password ${problem}`;
    },
  });
  options.signal.throwIfAborted();
  if (isCancel(answer)) throw new CloneboxError('interrupted', 'interrupted');
  return answer;
}

import { CloneboxError } from '../core/errors.ts';
import { createSecret, type Secret } from '../core/secret.ts';
import { longestPassword, passwordProblem } from '../lib/password.ts';
import { askHidden } from './prompts.ts';
import type { Terminal } from './terminal.ts';

export interface PasswordAsk {
  /** It comes by standard input, and nobody is asked. */
  readonly stdin: boolean;
  /** The flag that says so. */
  readonly flag: string;
}

/**
 * How a new password is come by: asked for twice and not shown, or one line of standard input. Fails with `usage` at once
 * where that cannot be; what it returns fails with `usage` for what cannot be a password, and never repeats it.
 */
export function askPassword(
  terminal: Terminal,
  { stdin, flag }: PasswordAsk,
  { signal, pause }: { signal: AbortSignal; pause: () => void },
): () => Promise<Secret> {
  const { isTty } = terminal;
  if (stdin) {
    if (!isTty.stdin) return () => readPassword(terminal, signal);
    throw new CloneboxError('usage', `${flag} reads a pipe or a file; a terminal would show it`, {
      hint: `Leave out ${flag}: it is then asked for`,
    });
  }
  if (isTty.stdin && isTty.stderr) {
    return async () => {
      pause();
      return askTwice(signal);
    };
  }
  throw new CloneboxError('usage', 'nobody can be asked for the password: this is no terminal', {
    hint: `Give it as one line of standard input: ${flag}`,
    facts: { flag },
  });
}

async function askTwice(signal: AbortSignal): Promise<Secret> {
  const text = await askHidden('New password', { signal, check: passwordProblem });
  const secret = createSecret(text);
  if ((await askHidden('Once more', { signal })) === text) return secret;
  throw new CloneboxError('usage', 'the two passwords differ: nothing was changed');
}

async function readPassword(terminal: Terminal, signal: AbortSignal): Promise<Secret> {
  // Its newline, and one byte more to see that it is too long.
  const bytes = await terminal.readInput(longestPassword + 2, signal);
  const text = bytes.toString('utf8').replace(/\n$/, '');
  const problem = passwordProblem(text);
  if (problem === undefined) return createSecret(text);
  throw new CloneboxError('usage', `the password ${problem}`, {
    hint: 'For example: printf \'%s\\n\' "$NEW" | clonebox set-password --stdin',
  });
}

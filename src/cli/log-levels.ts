import { CloneboxError } from '../core/errors.ts';
import { quoted } from '../lib/printable.ts';
import { levels, type Threshold } from './log.ts';

/** What each output of the log lets through. */
export interface LogLevels {
  readonly terminal: Threshold;
  readonly file: Threshold;
}

const thresholds: readonly string[] = [...levels, 'silent'];

/**
 * Levels by `--verbose` and `--quiet`, else by CLONEBOX_LOG, else warnings for the terminal. The file has at least
 * level info, whatever the terminal shows. Fails with `usage` for a level that is none.
 */
export function logLevels(
  globals: { readonly verbose: boolean; readonly quiet: boolean },
  env: Readonly<Record<string, string | undefined>>,
): LogLevels {
  const asked = readLevel(env.CLONEBOX_LOG);
  const terminal = globals.verbose ? 'debug' : globals.quiet ? 'error' : (asked ?? 'warn');
  return { terminal, file: terminal === 'debug' || asked === 'debug' ? 'debug' : 'info' };
}

function readLevel(text: string | undefined): Threshold | undefined {
  if (text === undefined || text === '') return undefined;
  const level = text.toLowerCase();
  if (thresholds.includes(level)) return level as Threshold;
  throw new CloneboxError('usage', `CLONEBOX_LOG: ${quoted(text)} is not a level`, {
    hint: `Set it to one of ${thresholds.join(', ')}, or unset it.`,
    facts: { variable: 'CLONEBOX_LOG', value: text },
  });
}

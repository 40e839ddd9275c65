import type { Ctx } from '../core/ctx.ts';
import { rootHelp } from './help.ts';
import type { Terminal } from './terminal.ts';
import { versionText } from './version.ts';

const helpWords = ['--help', '-h', 'help'];
const versionWords = ['--version', '-V'];

/**
 * Runs one command line and returns the exit code (docs/reference/cli.md). Prints everything, errors too; never
 * throws. `overrides` replace parts of the graph in tests.
 */
export async function runCli(
  argv: readonly string[],
  terminal: Terminal,
  overrides: Partial<Ctx> = {},
): Promise<number> {
  const text = quickAnswer(argv);
  if (text === undefined) {
    const { runLine } = await import('./run-line.ts');
    return runLine(argv, terminal, overrides);
  }
  terminal.stdout.write(text);
  return 0;
}

/** The answer to a line that asks only for help or the version: no parser is loaded for it. */
function quickAnswer(argv: readonly string[]): string | undefined {
  const asks = argv.filter((word) => word !== '--json' && word !== '--no-color');
  if (asks.length === 0 || asks.every((word) => helpWords.includes(word))) return rootHelp();
  if (asks.every((word) => versionWords.includes(word)))
    return versionText(argv.includes('--json'));
  return undefined;
}

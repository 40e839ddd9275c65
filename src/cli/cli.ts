import { runLine } from './run-line.ts';
import { leave, processTerminal } from './terminal.ts';

/** Runs the line of this process and ends it with the exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const terminal = processTerminal();
  await leave(await runLine(argv, terminal), terminal);
}

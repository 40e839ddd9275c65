import { portOf, readCommand } from '../lib/command-line.ts';
import { printable } from '../lib/printable.ts';
import type { Manifests } from './manifests.ts';

/** Programs that come with the packages other manifests ask for. */
const known = ['node', 'npm', 'python3', 'go', 'cargo', 'make'];

/** Reads the `web` line of a Procfile as a run unit, when it can be run as it stands. */
export function readProcfile(text: string, file: string): Manifests {
  const nothing = { packages: [], run: [], notes: [] };
  const line = /^web:[ \t]*(\S.*)$/m.exec(text)?.[1]?.trim();
  if (!line) return nothing;
  const note = (reason: string): Manifests => {
    return { ...nothing, notes: [`web of ${file} is left out: ${reason}`] };
  };
  const read = readCommand(line);
  if (!read) return note('it needs a shell');
  const [program = '', ...rest] = read.command;
  const command = [program === 'python' ? 'python3' : program, ...rest];
  if (!known.includes(command[0] ?? '')) {
    return note(`no package is known for ${printable(program)}`);
  }
  const finding = { source: file, confidence: 'certain', reason: 'its web process' } as const;
  return {
    ...nothing,
    run: [{ name: 'web', command, env: read.env, port: portOf(line), finding }],
  };
}

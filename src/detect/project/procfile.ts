import type { NeededRun } from '../../core/needs.ts';
import { portOf, readCommand } from '../../lib/command-line.ts';
import { printable } from '../../lib/printable.ts';
import type { ProjectReader } from './reader.ts';
import { certain, likely, linesOf } from './text.ts';

const processLine = /^([A-Za-z0-9][\w-]{0,62}):[ \t]*(\S.*)$/;
const mostProcesses = 20;

/** The port that a `web` process is told to listen on: Heroku's convention, and what its tools use. */
const conventional = 5000;

/** Procfile: every process as a command that is kept running; Procfile.dev where there is no other. */
export const procfile: ProjectReader = {
  name: 'procfile',
  wants: (path) => path === 'Procfile' || path === 'Procfile.dev',
  read(files) {
    const file = files.find(({ path }) => path === 'Procfile') ?? files[0];
    if (file === undefined) return {};
    const notes: string[] = [];
    const run = linesOf(file.text)
      .map((line) => processLine.exec(line.trim()))
      .filter((match) => match !== null)
      .slice(0, mostProcesses)
      .flatMap(([, name = '', line = '']): NeededRun[] => {
        if (name === 'release') {
          notes.push(`release of ${file.path} is left out: it is run at a deployment`);
          return [];
        }
        if (/\p{Cc}/u.test(line)) {
          notes.push(`${printable(name, 30)} of ${file.path} is left out: it is not text`);
          return [];
        }
        return [unit(file.path, name.toLowerCase().replaceAll('_', '-'), line.trim())];
      });
    return { run, notes };
  },
};

function unit(path: string, name: string, line: string): NeededRun {
  const finding = certain(path, `its ${printable(name, 30)} process`);
  const read = readCommand(line);
  if (read !== undefined) {
    const [program = '', ...rest] = read.command;
    const command = [program === 'python' ? 'python3' : program, ...rest];
    return { name, command, env: read.env, port: portOf(line), finding };
  }
  const wantsPort = /\$\{?PORT\b/.test(line);
  return {
    name,
    command: ['/bin/sh', '-c', line],
    env: wantsPort ? { PORT: String(conventional) } : {},
    port: wantsPort ? conventional : portOf(line),
    finding: wantsPort ? likely(path, 'its port is the one of Heroku') : finding,
  };
}

import { exitCodes } from '../core/errors.ts';
import type { Command } from './command.ts';
import { type CommandEntry, isGroup } from './entry.ts';
import { globalOptions } from './globals.ts';
import { argumentText, optionRows, usageLine } from './help.ts';
import { registry } from './registry.ts';

const exitMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  bug: 'a bug in CloneBox; please report it',
  usage: 'the command line is wrong, or a question could not be asked',
  'config-invalid': 'the configuration is invalid; every problem is listed with its line',
  'not-found': 'there is no such VM, file or directory',
  conflict: 'it exists, is locked, runs, or does not run',
  'host-unable': 'this machine cannot; see `clonebox doctor`',
  'hypervisor-failed': 'the hypervisor failed',
  'guest-failed': 'the guest failed or cannot be reached',
  unhealthy: 'unhealthy',
  refused: 'refused: policy, trust, digest, unresolved secret',
  deadline: 'a time limit has passed',
  partial: 'of several VMs some failed',
  interrupted: 'interrupted by Ctrl-C, and cleaned up',
  terminated: 'terminated by a signal, and cleaned up',
  'transport-lost': '`exec` and `ssh`: the guest was lost while its command ran',
};

const intro = `# Command line

<!-- Generated from src/cli/registry.ts by its test: npx vitest run --project unit reference -u -->

Data goes to standard output; progress, questions and errors go to standard error. Colours and the
live line appear on a terminal alone. Every question has an option that answers it; without a
terminal a missing answer is exit code 2.

\`[vm]\` is the name of a VM, or the path of a project directory or its configuration file; without
it, the current directory. A word with \`/\` in it, or with a leading \`.\` or \`~\`, is a path. Names
are 1 to 63 of \`a-z\`, \`0-9\` and \`-\`, and begin with a letter or digit.

Sizes are written \`512M\`, \`2G\` or \`2GiB\`; times \`500ms\`, \`90s\` or \`1h30m\`. A number without its
unit is an error. What comes after \`--\` is for the guest.

With \`--json\` there is exactly one JSON document on standard output, for a failure too:
\`{ "error": { "code", "message", "hint", "facts" } }\`.

The first Ctrl-C (or SIGTERM, SIGHUP) takes back what was made and then ends; the second says that
this is going on; the third ends at once.`;

/** docs/reference/cli.md: all commands with their options, from the registry. */
export async function cliReference(): Promise<string> {
  const sections = await Promise.all(
    registry.map(async ({ title, entries }) => {
      const commands = entries.flatMap((entry) =>
        isGroup(entry)
          ? entry.commands.map((one) => ({ one, path: [entry.name, one.name] }))
          : [{ one: entry, path: [entry.name] }],
      );
      const pages = await Promise.all(commands.map(({ one, path }) => commandPage(path, one)));
      return [`## ${title}`, ...pages].join('\n\n');
    }),
  );
  const globals = ['## Options of every command', optionTable(globalOptions)].join('\n\n');
  return `${[intro, exitTable(), globals, ...sections].join('\n\n')}\n`;
}

async function commandPage(path: readonly string[], entry: CommandEntry): Promise<string> {
  const command: Command = await entry.load();
  const line = ['clonebox', ...path].join(' ');
  const aliases = entry.aliases?.map((alias) => `\`${alias}\``).join(', ');
  const args = Object.entries(command.arguments).map(([name, spec]) =>
    row(`\`${argumentText(name, spec)}\``, spec.summary),
  );
  const examples = command.examples.map(({ line: text, what }) => `# ${what}\n${text}`);
  return [
    `### ${line}`,
    `${entry.summary}.${aliases ? ` Also ${aliases}.` : ''}`,
    fenced(usageLine(line, command)),
    command.description,
    ...(args.length > 0 ? [['| Argument | |', '|---|---|', ...args].join('\n')] : []),
    ...(Object.keys(command.options).length > 0 ? [optionTable(command.options)] : []),
    fenced(examples.join('\n\n')),
  ].join('\n\n');
}

function optionTable(specs: Command['options']): string {
  const rows = optionRows(specs).map(([option, summary]) => row(`\`${option}\``, summary));
  return ['| Option | |', '|---|---|', ...rows].join('\n');
}

function exitTable(): string {
  const rows = Object.entries(exitCodes).map(
    ([code, status]) =>
      `| ${status} | \`${code}\` | ${exitMeanings[code as keyof typeof exitCodes]} |`,
  );
  return [
    '## Exit codes',
    '`exec` and `ssh` end with the status of the command in the guest; a failure before it began keeps\nits own code.',
    ['| Status | `code` | |', '|---|---|---|', '| 0 | | done |', ...rows].join('\n'),
  ].join('\n\n');
}

function row(left: string, right: string): string {
  return `| ${left} | ${right.replaceAll('|', '\\|')} |`;
}

function fenced(text: string): string {
  return `\`\`\`sh\n${text}\n\`\`\``;
}

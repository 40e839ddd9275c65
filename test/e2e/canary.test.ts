import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Command } from '../../src/cli/command.ts';
import { type CommandEntry, isGroup } from '../../src/cli/entry.ts';
import { longName } from '../../src/cli/option.ts';
import { entries } from '../../src/cli/registry.ts';
import { type CliResult, cli, freshHome, scratch } from './support/cli.ts';

// Secrets go through every command there is, in every place a command line has. Afterwards they are nowhere: not on
// the terminal, not in a file that CloneBox keeps, not in the name of one.

const random = () => randomBytes(8).toString('hex');
/** A VM may be called so, and a file. */
const token = `canary-${random()}`;
/** Looks different wherever it is quoted or encoded. */
const odd = `can"ary\\ '${random()}' +/%é`;
/** Of the proxy, as it is and as a URL has it. */
const password = `can@ry:${random()}`;
const canaries = [token, odd, password];
const forms = canaries.flatMap((value) => [
  ...[value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)],
  Buffer.from(value).toString('base64').slice(0, 16),
  // Whatever else is done to them: this is in it.
  ...(/[0-9a-f]{16}/.exec(value) ?? []),
]);

const home = freshHome();
const area = scratch();
const cache = path.join(area, 'cache');
const project = path.join(area, 'project');
const missing = path.join(area, 'missing');
const env = {
  ...{ CLONEBOX_HOME: home, CLONEBOX_CACHE: cache, TMPDIR: path.join(area, 'tmp') },
  ...{ MY_API_TOKEN: token, DB_PASSWORD: odd },
  HTTPS_PROXY: `http://joe:${encodeURIComponent(password)}@127.0.0.1:1`,
  https_proxy: `http://joe:${encodeURIComponent(password)}@127.0.0.1:1`,
  HTTP_PROXY: undefined,
  http_proxy: undefined,
};

const modes = [[], ['--json'], ['--verbose'], ['--verbose', '--log-format', 'json', '--no-color']];
/** These take minutes when nothing is wrong with their line. */
const slow = /^(bench |image (pull|build)|clone|create)/;

interface Line {
  readonly words: readonly string[];
  readonly guest: readonly string[];
}

function allCommands(): { name: string; entry: CommandEntry }[] {
  return entries.flatMap((entry) =>
    isGroup(entry)
      ? entry.commands.map((one) => ({ name: `${entry.name} ${one.name}`, entry: one }))
      : [{ name: entry.name, entry }],
  );
}

/** Command lines with a secret in each place. */
function linesOf(name: string, command: Command): Line[] {
  const path = name.split(' ');
  const count = Object.keys(command.arguments).length;
  const guest = command.guestArgv === undefined ? [] : ['env', `MY_TOKEN=${odd}`, token];
  const filled = (value: string) => [...path, ...Array<string>(Math.max(1, count)).fill(value)];
  const options = Object.entries(command.options).flatMap(([key, spec]) => {
    // Where to write is the user's to say, and is told as data.
    if (spec.kind === 'flag' || key === 'output') return [];
    const option = longName(key, spec);
    return [[option, token], [`${option}=${odd}`], [option, `MY_SECRET=${odd}`]];
  });
  return [
    ...[token, odd, `${missing}/${token}`, `${missing}/${odd}`].map((value) => filled(value)),
    ...[[token], ['--nope', odd], [`--${token}`]].map((more) => [...filled(missing), ...more]),
    ...options.map((more) => [...(count === 0 ? path : filled(missing)), ...more]),
    ...(count === 0 && !slow.test(name) ? [path] : []),
  ].map((words) => ({ words, guest }));
}

async function run({ words, guest }: Line, mode: readonly string[]): Promise<CliResult> {
  const argv = [...words, ...mode, ...(guest.length === 0 ? [] : ['--', ...guest])];
  return cli(argv, { env, cwd: project, timeout: 60_000 });
}

function expectNone(text: string, where: string): void {
  for (const form of forms) expect(text.includes(form), `${form} in ${where}\n${text}`).toBe(false);
}

/** Every file below a directory, with its content. */
function filesOf(directory: string): { name: string; content: string }[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => {
    const file = path.join(directory, name);
    return { name, content: statSync(file).isFile() ? readFileSync(file, 'latin1') : '' };
  });
}

function expectNoneOnDisk(): void {
  for (const directory of [home, cache, path.join(area, 'tmp')]) {
    for (const { name, content } of filesOf(directory)) {
      expectNone(name, `the name of ${name}`);
      for (const form of forms) {
        const isThere = content.includes(Buffer.from(form).toString('latin1'));
        expect(isThere, `${form} in ${directory}/${name}`).toBe(false);
      }
    }
  }
}

beforeAll(() => {
  for (const directory of [project, cache, path.join(area, 'tmp')]) mkdirSync(directory);
  mkdirSync(path.join(home, 'vms/odd'), { recursive: true });
  writeFileSync(path.join(home, 'vms/odd/record.json'), '{');
});

describe('secrets of the environment and of the command line', () => {
  it.each(allCommands())('are nowhere after `$name`', async ({ name, entry }) => {
    const lines = linesOf(name, await entry.load());
    const runs = lines.flatMap((line, index) => {
      // The first few in every mode, the others in turns.
      const own = index < 2 ? modes : [modes[index % modes.length] ?? []];
      return own.map((mode) => ({ line, mode }));
    });
    const next = runs.values();
    const worker = async () => {
      for (const { line, mode } of next) {
        const { stdout, stderr } = await run(line, mode);
        const shown = [...line.words, ...mode].join(' ');
        expectNone(stdout, `the output of ${shown}`);
        expectNone(stderr, `what is told by ${shown}`);
      }
    };
    await Promise.all([worker(), worker()]);
    expectNoneOnDisk();
  });

  it('are nowhere after an image could not be fetched with them', async () => {
    writeFileSync(path.join(project, '.clonebox.yaml'), "version: '2'\nvm: { name: shop }\n");
    const url = `https://joe:${encodeURIComponent(odd)}@127.0.0.1:1/${token}.qcow2`;
    for (const mode of modes) {
      for (const words of [
        ['image', 'pull', url],
        ['clone', project, '--trust', '--yes', '--image', url],
        ['clone', project, '--dry-run', '--trust', '--image', `https://127.0.0.1:1/${token}`],
      ]) {
        const { stdout, stderr } = await cli([...words, ...mode], { env, cwd: project });
        expectNone(stderr, `what is told by ${words.join(' ')}`);
        // A plan is what was asked for.
        if (!words.includes('--dry-run')) expectNone(stdout, `the output of ${words.join(' ')}`);
      }
    }
    expectNoneOnDisk();
  });

  it('left a log and an audit log that tell of all this', () => {
    const told = filesOf(home).filter(({ name }) => /^(log|audit)\/.*\.jsonl$/.test(name));
    const text = told.map(({ content }) => content).join('');
    expect(told.length).toBeGreaterThanOrEqual(2);
    expect(text).toContain('[redacted]');
    expect(text).toContain('"vm.stop.failed"');
    expect(text).toContain('"command.failed"');
  });
});

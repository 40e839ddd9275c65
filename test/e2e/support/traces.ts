import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { type CliOptions, type CliResult, cli, processesWith } from './cli.ts';

/** Every entry below a directory with what tells that it was touched; empty when there is none. */
export function snapshot(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const file = path.join(directory, name);
      const { mode, uid, size, mtimeMs } = lstatSync(file);
      const kind = mode & 0o170000;
      const extra = kind === 0o120000 ? readlinkSync(file) : kind === 0o040000 ? '' : mtimeMs;
      return `${name} ${mode.toString(8)} ${uid} ${kind === 0o040000 ? '' : size} ${extra}`;
    });
}

/** What is left of a VM in a state directory that should have forgotten it. */
export function tracesOf(home: string, name: string): string[] {
  const entries = (directory: string) =>
    existsSync(path.join(home, directory)) ? readdirSync(path.join(home, directory)) : [];
  const leases = path.join(home, 'leases.json');
  const leased = existsSync(leases) && readFileSync(leases, 'utf8').includes(`"${name}"`);
  return [
    ...processesWith(`${home}/`).map((line) => `process ${line}`),
    ...entries('vms').filter((entry) => entry === name),
    ...(leased ? [`leases.json names ${name}`] : []),
    ...entries('journal').map((entry) => `journal/${entry}`),
    ...entries('run/vms').map((entry) => `run/vms/${entry}`),
    ...snapshot(home).filter((line) => /\.tmp /.test(line)),
  ];
}

interface Failure {
  readonly exit: number;
  /** The code of the error document. */
  readonly code: string;
  /** What the message must say. */
  readonly says: readonly (string | RegExp)[];
  /** What the hint must tell the user to do. */
  readonly hint: string | RegExp;
}

/** Fails unless a result is this failure, told to people on standard error or, with `--json`, on standard output. */
export function expectFailure(result: CliResult, failure: Failure): void {
  const told = `${result.stdout}\n${result.stderr}`;
  expect(result.exitCode, told).toBe(failure.exit);
  if (result.stdout.startsWith('{')) {
    const { error } = result.json<{ error: { code: string; message: string; hint: string } }>();
    expect(error.code, told).toBe(failure.code);
    for (const words of failure.says) expect(error.message).toMatch(words);
    expect(error.hint).toMatch(failure.hint);
    return;
  }
  const [, message = '', hint = ''] = /^error: (.*?)^hint: (.*)/ms.exec(result.stderr) ?? [];
  for (const words of failure.says) expect(message, told).toMatch(words);
  expect(hint, told).toMatch(failure.hint);
}

/** Runs a line that must fail, for people and for scripts; returns what people saw. */
export async function fails(
  args: readonly string[],
  failure: Failure,
  options: CliOptions = {},
): Promise<CliResult> {
  const people = await cli(args, options);
  expectFailure(people, failure);
  expect(people.stdout).toBe('');
  const script = await cli(['--json', ...args], options);
  expect(script.stdout, script.stderr).toMatch(/^\{/);
  expectFailure(script, failure);
  return people;
}

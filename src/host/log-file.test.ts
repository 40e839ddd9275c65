import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogFile } from './log-file.ts';

let area: string;
let home: string;
let file: string;
beforeEach(() => {
  area = mkdtempSync(path.join(tmpdir(), 'cb-log-'));
  home = path.join(area, 'home');
  file = path.join(home, 'log/clonebox.jsonl');
});
afterEach(() => rmSync(area, { recursive: true, force: true }));

const modeOf = (entry: string) => statSync(entry).mode & 0o777;
const logFiles = () => readdirSync(path.dirname(file)).toSorted();
const lines = (name: string) =>
  readFileSync(path.join(path.dirname(file), name), 'utf8')
    .split('\n')
    .slice(0, -1);

describe('a log file', () => {
  it('makes nothing where CloneBox has nothing yet, unless it is told to', () => {
    const log = createLogFile(file, { limit: 1000, keep: 5 });
    expect(log.append('a\n', { create: false })).toBe(false);
    expect(existsSync(home)).toBe(false);
    expect(log.append('b\n', { create: true })).toBe(true);
    expect(lines('clonebox.jsonl')).toEqual(['b']);
  });

  it('is for its user alone', () => {
    createLogFile(file, { limit: 1000, keep: 5 }).append('a\n', { create: true });
    expect([home, path.dirname(file)].map(modeOf)).toEqual([0o700, 0o700]);
    expect(modeOf(file)).toBe(0o600);
  });

  it('goes on in a home that exists', () => {
    mkdirSync(home);
    const log = createLogFile(file, { limit: 1000, keep: 5 });
    expect(log.append('a\n', { create: false })).toBe(true);
    rmSync(path.dirname(file), { recursive: true });
    expect(log.append('b\n', { create: false })).toBe(true);
    expect(lines('clonebox.jsonl')).toEqual(['b']);
  });

  it('moves on when it is full and keeps the last ones', () => {
    const log = createLogFile(file, { limit: 40, keep: 3 });
    for (let count = 10; count < 40; count += 1) log.append(`line ${count} ..\n`, { create: true });
    expect(logFiles()).toEqual([
      ...['clonebox.1.jsonl', 'clonebox.2.jsonl', 'clonebox.3.jsonl'],
      ...['clonebox.jsonl', 'clonebox.jsonl.lock'],
    ]);
    const kept = [3, 2, 1].flatMap((age) => lines(`clonebox.${age}.jsonl`));
    expect([...kept, ...lines('clonebox.jsonl')].map((line) => Number(line.slice(5, 7)))).toEqual(
      Array.from({ length: 12 }, (_, index) => 28 + index),
    );
    for (const name of logFiles()) expect(modeOf(path.join(home, 'log', name))).toBe(0o600);
  });

  it('takes a line that is longer than a whole file', () => {
    const log = createLogFile(file, { limit: 10, keep: 2 });
    log.append(`${'x'.repeat(50)}\n`, { create: true });
    log.append('y\n', { create: true });
    expect(lines('clonebox.1.jsonl')).toEqual(['x'.repeat(50)]);
    expect(lines('clonebox.jsonl')).toEqual(['y']);
  });

  it.skipIf(!existsSync('/dev/full'))('says what the matter is when the disk is full', () => {
    mkdirSync(path.dirname(file), { recursive: true });
    symlinkSync('/dev/full', file);
    const log = createLogFile(file, { limit: 1000, keep: 5 });
    expect(() => log.append('a\n', { create: true })).toThrow(/disk is full/);
  });

  it('says what the matter is when something else has its place', () => {
    mkdirSync(home);
    writeFileSync(path.join(home, 'log'), '');
    const log = createLogFile(file, { limit: 1000, keep: 5 });
    expect(() => log.append('a\n', { create: true })).toThrow(/is a file, not a directory/);
  });

  it.skipIf(process.getuid?.() === 0)('says what the matter is when it may not', () => {
    mkdirSync(home);
    chmodSync(home, 0o500);
    const log = createLogFile(file, { limit: 1000, keep: 5 });
    expect(() => log.append('a\n', { create: true })).toThrow(/no permission/);
  });
});

const writers = 20;
const each = 400;

/** Appends as one of many, and ends without a good-bye. */
const program = (source: string) => `
import { createLogFile } from ${JSON.stringify(source)};
const [, , file, own] = process.argv;
const log = createLogFile(file, { limit: 50_000, keep: 1000 });
for (let count = 0; count < ${each}; count += 1)
  log.append(JSON.stringify({ own, count, filler: 'x'.repeat(count % 97) }) + '\\n', { create: true });
process.kill(process.pid, 'SIGKILL');
`;

it('20 processes at once lose no line and mix none, while it moves on again and again', async () => {
  const source = fileURLToPath(new URL('log-file.ts', import.meta.url));
  const script = path.join(area, 'writer.mjs');
  await build({
    stdin: { contents: program(source), resolveDir: area },
    ...{ outfile: script, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
  });
  const ends = Array.from({ length: writers }, (_, own) => {
    const child = spawn(process.execPath, [script, file, String(own)], { stdio: 'inherit' });
    return new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal)));
  });
  expect(await Promise.all(ends)).toEqual(ends.map(() => 'SIGKILL'));
  const all = logFiles().filter((name) => name.endsWith('.jsonl'));
  expect(all.length).toBeGreaterThan(5);
  const byAge = all.toSorted((a, b) => ageOf(b) - ageOf(a));
  const seen = new Map<string, number[]>();
  for (const line of byAge.flatMap(lines)) {
    const { own, count } = JSON.parse(line) as { own: string; count: number };
    seen.set(own, [...(seen.get(own) ?? []), count]);
  }
  expect(seen.size).toBe(writers);
  const inOrder = Array.from({ length: each }, (_, count) => count);
  for (const counts of seen.values()) expect(counts.toSorted((a, b) => a - b)).toEqual(inOrder);
}, 60_000);

function ageOf(name: string): number {
  return Number(/\.(\d+)\./.exec(name)?.[1] ?? 0);
}

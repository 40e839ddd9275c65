import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';

/** What a guest does to names: see renamer.mjs. */
export type Step =
  | readonly ['rename' | 'symlink' | 'write', string, string]
  | readonly ['unlink' | 'mkdir', string]
  | readonly ['wait', number];

/** How long each race goes on. */
const seconds = Number(process.env.CLONEBOX_TEST_RACE_SECONDS ?? 5);

const renamer = path.join(import.meta.dirname, 'renamer.mjs');

export interface RaceOptions {
  /** How often the name must have changed for this to have been a race at all. Default 50. */
  readonly swaps?: number;
  /** How often it must have been tried, however long that takes. Default 3. */
  readonly tries?: number;
}

/** Tries something again and again while a stand-in for a guest goes through its steps. Fails when that was no race. */
export async function race(
  steps: readonly Step[],
  attempt: () => Promise<void>,
  { swaps = 50, tries = 3 }: RaceOptions = {},
): Promise<void> {
  const child = spawn(process.execPath, [renamer, JSON.stringify(steps)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const ended = once(child, 'close');
  let tried = 0;
  // Once in millions of calls the C library does not wake the thread that a call waits for (glibc bug 25847, until 2.41);
  // the next call does.
  const alarm = setInterval(() => stat('/', () => {}), 500);
  try {
    await expect.poll(() => said + complaint, { timeout: 20_000 }).not.toBe('');
    const until = performance.now() + seconds * 1000;
    for (; performance.now() < until || tried < tries; tried += 1) await attempt();
  } finally {
    clearInterval(alarm);
    child.stdin.end();
    await ended;
  }
  expect(complaint).toBe('');
  expect(said).toMatch(/^running\n\d+\n$/);
  expect(Number(said.split('\n')[1]), 'swaps').toBeGreaterThanOrEqual(swaps);
}

/** A directory (or file) turns into a link and back; `spare` is a free name beside it. `rest` is how long each lasts at most. */
export function swaps(
  name: string,
  { target, spare, rest }: { target: string; spare: string; rest: number },
): Step[] {
  return [
    ['wait', rest],
    ['rename', name, spare],
    ['symlink', target, name],
    ['wait', rest],
    ['unlink', name],
    ['rename', spare, name],
  ];
}

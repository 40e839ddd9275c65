import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Driver } from '../../src/core/driver.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { benchDetect } from '../../src/ops/bench-detect.ts';

const runs = 2;
/** What the sleepers of so many runs are told, and nobody else on this machine is likely to. */
const sleeper = `sleep\0${60 + runs * 5}\0`;

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));
const read = (pid: string, name: string) => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
};
const sleepers = () => pids().filter((pid) => read(pid, 'cmdline') === sleeper);

/** Measures a program that answers as `detect --json` does. */
function bench(script: string, { more, signal }: { more: number; signal?: AbortSignal }) {
  const driver = { preflight: async () => ({ accel: { accel: 'tcg' } }) } as unknown as Driver;
  const ctx = createContext(
    { io: quietIo(signal), startedAt: 0, trace: createTrace({}) },
    { host: createHost(), driver: async () => driver },
  );
  const self = { argv: [process.execPath, '-e', script], load: 0 };
  return benchDetect(ctx, { self, runs, processes: pids().length + more });
}

const answers = `console.log('{"found":{},"problems":[],"milliseconds":{"paths":7,"user":1,"ports":3,"hardware":2}}')`;

it('measures with at least as many processes as were asked for, and leaves none of them', async () => {
  const before = pids().length;
  const { results } = await bench(answers, { more: 60 });
  const counted = Number(/(\d+) processes/.exec(results[0]?.measured.what ?? '')?.[1]);
  expect(counted).toBeGreaterThan(before);
  expect(results.map(({ scenario, measured }) => [scenario, measured.runs])).toEqual([
    ['detect', runs],
    ['detect: paths', runs],
    ['detect: ports', runs],
    ['detect: hardware', runs],
  ]);
  expect(results[0]?.reference?.runs).toBe(runs);
  expect(sleepers()).toEqual([]);
});

it('leaves none of them when what it measures fails', async () => {
  await expect(bench('process.exit(3)', { more: 60 })).rejects.toMatchObject({ code: 'bug' });
  expect(sleepers()).toEqual([]);
});

it('leaves none of them when it is interrupted', async () => {
  const controller = new AbortController();
  const measuring = bench('setTimeout(() => {}, 60_000)', { more: 60, signal: controller.signal });
  await expect.poll(() => sleepers().length, { timeout: 10_000 }).toBeGreaterThan(0);
  controller.abort(new Error('enough'));
  await expect(measuring).rejects.toThrow('enough');
  expect(sleepers()).toEqual([]);
});

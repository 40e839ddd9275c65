import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { BenchReport, BenchResult } from '../../src/ops/bench.ts';
import { createResults } from '../../src/ops/bench-create.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'page-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The page of what these benches have measured, each in a file of its own. */
function page(...benches: readonly (readonly BenchResult[])[]) {
  const host: BenchReport['host'] = {
    ...{ cpus: 2, memory: 4 * 1024 ** 3, processor: 'a | processor', kernel: '6.1' },
    ...{ qemu: '7.2.22', accel: 'tcg', node: 'v20.19.0', load: 0.25 },
  };
  const files = benches.map((results, index) => {
    const file = path.join(directory, `${index}.json`);
    const date = `2026-01-0${index + 1}T00:00:00.000Z`;
    writeFileSync(file, JSON.stringify({ date, host, results } satisfies BenchReport));
    return file;
  });
  const run = spawnSync(process.execPath, ['scripts/performance-page.mjs', ...files]);
  return { status: run.status, stdout: String(run.stdout), stderr: String(run.stderr) };
}

const warm = createResults({
  ...{ mode: 'warm', parallel: 1, references: [0.4, 0.5] },
  measured: [
    { t_agent: 0.8, t_command: 1.2 },
    { t_agent: 1, t_command: 1.4 },
  ],
});
const cold = createResults({
  ...{ mode: 'cold', parallel: 1, references: [] },
  measured: [{ t_agent: 12, t_command: 13 }],
});

it('has warm and cold side by side, every row with its reference, and the machine', () => {
  const { status, stdout } = page(warm, cold);
  expect(status).toBe(0);
  const lines = stdout.split('\n').filter((line) => /^[|-]/.test(line));
  expect(lines.join('\n')).toMatchInlineSnapshot(`
    "- 2 x a | processor, 4 GiB, Linux 6.1, QEMU 7.2.22 (TCG), Node v20.19.0; measured on 2026-01-01, 2026-01-02; load before each bench began: 0.3
    | From the start of the command | from a template that is ready | without a template | faster by |
    |---|---|---|---|
    | until its agent answers | 0.90 s (0.80 to 1.00) | 12.00 s | 13.3 times |
    | until a command has run | 1.30 s (1.20 to 1.40) | 13.00 s | 10.0 times |
    | Bench | What | Median (least to most) | Runs | Against | Ratio | Target |
    |---|---|---|---|---|---|---|
    | \`create --warm: t_agent\` | a new VM, until its agent answers | **0.90 s (0.80 to 1.00)** | 2 | 0.45 s (0.40 to 0.50), bare QEMU, same memory, to its agent | 2.00 | - |
    | \`create --warm: t_command\` | a new VM, until a command has run | **1.30 s (1.20 to 1.40)** | 2 | 0.45 s (0.40 to 0.50), bare QEMU, same memory, to its agent | 2.90 | < 1.5 s |
    | \`create --cold: t_agent\` | a new VM, until its agent answers | **12.00 s** | 1 | - | - | ratio <= 1.15 |
    | \`create --cold: t_command\` | a new VM, until a command has run | **13.00 s** | 1 | - | - | 30 s |"
  `);
});

it('says nothing of a bench that was not run', () => {
  const { stdout } = page(cold);
  expect(stdout).not.toContain('--warm:');
  expect(stdout).not.toContain('From a template, and without');
  expect(stdout).not.toContain('Many clones');
});

it('refuses a document without its figures, and to be called with none', () => {
  const [row] = cold;
  const broken = { ...row, measured: { ...row?.measured, median: null } } as unknown as BenchResult;
  expect(page([broken]).status).not.toBe(0);
  expect(page()).toMatchObject({ status: 2, stdout: '' });
});

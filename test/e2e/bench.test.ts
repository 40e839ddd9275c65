import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BenchReport } from '../../src/ops/bench.ts';
import { projectText } from '../../src/ops/bench-projects.ts';
import { cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';

// No timed tests: that every figure is there, and that nothing else is.

describe('bench with machines', () => {
  const home = freshHome();
  const area = scratch();
  const env = { CLONEBOX_HOME: home, TMPDIR: area };

  // The template that both need, and other tests: what bench makes itself, it removes.
  beforeAll(async () => {
    const project = path.join(scratch(), 'plain');
    mkdirSync(project);
    const text = projectText('plain', { image: 'bootstrap:debian:12' });
    writeFileSync(path.join(project, '.clonebox.yaml'), text);
    await ok(['template', 'build', project], { env });
  });

  async function expectNothingLeft(): Promise<void> {
    const { vms } = (await ok(['list', '--json'], { env })).json<{ vms: unknown[] }>();
    expect(vms).toEqual([]);
    expect(processesWith(`${home}/`)).toEqual([]);
    expect(readdirSync(area)).toEqual([]);
  }

  it('create: has a figure for each time of a warm clone, and for the bare QEMU beside it', async () => {
    const { results } = (
      await ok(['bench', 'create', '--warm', '--runs', '1', '--json'], { env })
    ).json<BenchReport>();
    const times = results.filter(({ target, scenario }) => /: t_/.test(scenario) && target);
    expect(times.map(({ scenario, ratio }) => [scenario, ratio === null])).toEqual([
      ['create --warm: t_agent', false],
      ['create --warm: t_command', false],
      ['create --warm: t_ports', true],
    ]);
    for (const { measured, reference } of results) {
      for (const summary of [measured, reference ?? measured]) {
        expect(summary.runs).toBe(1);
        expect(summary.median).toBeGreaterThan(0);
      }
    }
    await expectNothingLeft();
  });

  it('density: leaves no clone when it is interrupted', async () => {
    let interrupted = false;
    const { exitCode, stderr } = await cli(['bench', 'density', '-n', '3'], {
      env,
      onStderr: (text, child) => {
        if (interrupted || !text.includes('Clone 2 of 3')) return;
        interrupted = true;
        child.kill('SIGINT');
      },
    });
    expect([exitCode, stderr]).toEqual([130, expect.stringContaining('Clone 2 of 3')]);
    await expectNothingLeft();
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContext } from '../../src/context.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { findTarget } from '../../src/ops/target.ts';

const area = mkdtempSync(path.join(tmpdir(), 'cb-own-'));
const at = (name: string) => path.join(area, name);

beforeAll(() => {
  for (const name of ['user', 'state/vms', 'project', 'around/state']) {
    mkdirSync(at(name), { recursive: true });
  }
});
afterAll(() => rmSync(area, { recursive: true, force: true }));

async function planOf(project: string, { home, share }: { home: string; share?: string }) {
  const lines = share === undefined ? '' : `shares: [{ host: . }, { host: '${share}' }]\n`;
  writeFileSync(path.join(project, '.clonebox.yaml'), `version: '2'\n${lines}`);
  const host = createHost({ PATH: process.env.PATH, HOME: at('user'), CLONEBOX_HOME: home });
  const options = { io: quietIo(), startedAt: 0, trace: createTrace({}) };
  const ctx = createContext(options, { host });
  const target = await findTarget(ctx, project, '/');
  if (target.kind !== 'project') throw new Error('no project');
  return loadPlan(ctx, target, { overrides: {} });
}

describe("CloneBox's own state, wherever it was moved to", () => {
  it('is never shared, nor what is in it', async () => {
    const home = at('state');
    for (const share of [home, `${home}/vms`]) {
      await expect(planOf(at('project'), { home, share })).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('CloneBox keeps its own state in'),
      });
    }
  });

  it('is in no project, nor is a project in it', async () => {
    const around = at('around');
    await expect(planOf(around, { home: `${around}/state` })).rejects.toMatchObject({
      code: 'refused',
    });
    await expect(planOf(at('state/vms'), { home: at('state') })).rejects.toMatchObject({
      code: 'refused',
    });
    const { plan } = await planOf(at('project'), { home: at('state') });
    expect(plan.shares).toHaveLength(1);
  });
});

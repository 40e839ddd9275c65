import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { importImage } from '../../src/ops/image.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { start } from '../../src/ops/start.ts';
import { findTarget } from '../../src/ops/target.ts';
import { noTrust } from '../../src/ops/trust.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

const area = realpathSync(mkdtempSync(path.join(tmpdir(), 'cb-own-')));
const at = (name: string) => path.join(area, name);

beforeAll(() => {
  for (const name of ['user', 'state/vms', 'project', 'around/state']) {
    mkdirSync(at(name), { recursive: true });
  }
});
afterAll(() => rmSync(area, { recursive: true, force: true }));

function contextWith(env: Record<string, string>): Ctx {
  const host = createHost({ PATH: process.env.PATH, HOME: at('user'), ...env });
  return createContext({ io: quietIo(), startedAt: 0, trace: createTrace({}) }, { host });
}

async function planOf(
  project: string,
  { home, share, env = {} }: { home?: string; share?: string; env?: Record<string, string> },
) {
  const lines = share === undefined ? '' : `shares: [{ host: . }, { host: '${share}' }]\n`;
  writeFileSync(path.join(project, '.clonebox.yaml'), `version: '2'\n${lines}`);
  const ctx = contextWith({ ...(home && { CLONEBOX_HOME: home }), ...env });
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

  const places = ['CLONEBOX_CACHE', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_RUNTIME_DIR'];
  it.each(places)('is not in a project by %s, made yet or not, by a link neither', async (name) => {
    mkdirSync(at('project/inner'), { recursive: true });
    symlinkSync('project/inner', at(`to-${name}`));
    symlinkSync('../user', at(`project/out-${name}`));
    const values = [at('project/inner'), at('project/not/yet'), at(`to-${name}`)];
    for (const value of [...values, at(`project/out-${name}`)]) {
      await expect(planOf(at('project'), { env: { [name]: value } })).rejects.toMatchObject({
        ...{ code: 'refused', message: expect.stringContaining('is never shared') },
      });
    }
  });

  it.skipIf(process.getuid?.() !== 0)('is not in a project by a bind mount', async () => {
    for (const name of ['project/inner', 'bound']) mkdirSync(at(name), { recursive: true });
    execFileSync('mount', ['--bind', at('project/inner'), at('bound')]);
    try {
      const env = { CLONEBOX_CACHE: at('bound/cache') };
      await expect(planOf(at('project'), { env })).rejects.toMatchObject({
        ...{ code: 'refused', message: expect.stringContaining('is never shared') },
      });
    } finally {
      execFileSync('umount', [at('bound')]);
    }
  });

  it('is nowhere that a guest of another VM writes to', async () => {
    const [home, cache] = [at('state'), at('other/cache')];
    mkdirSync(cache, { recursive: true });
    const shares = [{ host: at('other'), guest: '/other', mode: 'rw' }] as const;
    const before = contextWith({ CLONEBOX_HOME: home });
    await before.store.write(recordOf(web, [], { project: at('other'), shares }));
    writeFileSync(before.store.paths.vm(web).disk, '');
    const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: cache };
    const refused = { code: 'refused', message: expect.stringContaining('images and templates') };
    await expect(planOf(at('project'), { env })).rejects.toMatchObject(refused);
    const input = { target: web, cwd: '/', wait: true, trust: noTrust };
    await expect(start(contextWith(env), input)).rejects.toMatchObject(refused);
    const image = { path: '/x', cwd: '/', name: undefined, digest: undefined };
    await expect(importImage(contextWith(env), image)).rejects.toMatchObject(refused);
  });
});

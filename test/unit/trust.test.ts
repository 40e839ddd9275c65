import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Reach } from '../../src/config/reach.ts';
import { createContext } from '../../src/context.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { VmPlan } from '../../src/core/plan.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { noTrust, requireTrust, trustEntry } from '../../src/ops/trust.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

let home: string;
let ctx: Ctx;
const plan: VmPlan = {
  ...{ ...recordOf(web).plan, project: '/work/shop', configFile: '/work/shop/.clonebox.yaml' },
  secrets: [],
};
const secret = {
  ...{ name: 'S', provider: 'env', key: 'S', path: undefined, mode: 0o400, owner: 'me' },
  service: undefined,
};
const reach: Reach[] = [
  { what: 'share', value: '/srv/data (rw)' },
  { what: 'host port', value: '127.0.0.1:5432' },
];
const check = (choice = noTrust, reached = reach, of = plan) =>
  requireTrust(ctx, { plan: of, reach: reached }, choice);

beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'cb-'));
  const host = createHost({ ...process.env, CLONEBOX_HOME: home });
  const options = { io: quietIo(), startedAt: Date.now(), trace: createTrace({}) };
  ctx = createContext(options, { host });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('a project that reaches outside its directory', () => {
  it('is refused where nobody confirms it, with what it reaches for', async () => {
    await expect(check()).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/share: \/srv\/data \(rw\)\n.*host port: 127\.0\.0\.1:5432/),
      hint: expect.stringContaining('--trust'),
    });
    await expect(check({ given: false, ask: async () => false })).rejects.toThrow(
      /reaches outside/,
    );
  });

  it('is confirmed once, on the terminal or by the flag, and remembered', async () => {
    const questions: string[] = [];
    const ask = async (question: string) => questions.push(question) > 0;
    await check({ given: false, ask });
    await check({ given: false, ask });
    await check();
    expect(questions).toEqual([expect.stringMatching(/\/srv\/data .*Do you trust/s)]);
    expect(statSync(path.join(home, 'trust.json')).mode & 0o777).toBe(0o600);
  });

  it('is asked about again when it reaches for anything else, and in another place', async () => {
    await check({ given: true, ask: undefined });
    await expect(check(noTrust, [...reach, { what: 'share', value: '/' }])).rejects.toThrow();
    await expect(check(noTrust, reach.slice(1))).rejects.toThrow();
    await expect(check(noTrust, reach, { ...plan, project: '/work/copy' })).rejects.toThrow();
    await check(noTrust, reach.toReversed());
  });

  it.each<[string, Partial<VmPlan>]>([
    ['its network', { egress: 'allowlist' }],
    ['a mode of a share', { shares: [{ host: '/work/shop/data', guest: '/d', mode: 'ro' }] }],
    ['a port', { ports: [{ name: '80', guest: 80, host: 8080 }] }],
    ['an option of a provider', { secretOptions: { vault: { kv: 1 } } }],
    ['where a secret goes', { secrets: [secret] }],
  ])('is asked about again when it asks for more of this host: %s', async (_, changed) => {
    await check({ given: true, ask: undefined });
    await check();
    await expect(check(noTrust, reach, { ...plan, ...changed })).rejects.toThrow();
  });

  it('is told to the audit log when it was confirmed', async () => {
    await check({ given: true, ask: undefined });
    const [line, ...more] = readFileSync(path.join(home, 'audit/audit.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({ event: 'config.trust', details: { reach } });
    expect(more).toEqual([]);
  });

  it('is not let through by a damaged list', async () => {
    writeFileSync(path.join(home, 'trust.json'), '{"version":1,"projects":');
    await expect(check()).rejects.toMatchObject({ code: 'refused' });
    await check({ given: true, ask: undefined });
    await check();
  });
});

it('a reach is told apart from one that only looks the same when joined', () => {
  const digest = (...parts: Reach[]) => trustEntry({ ...plan, project: '/p' }, parts).digest;
  expect(digest({ what: 'share', value: 'a' }, { what: 'share', value: 'b' })).not.toBe(
    digest({ what: 'share', value: 'a\nshare b' }),
  );
  expect(digest({ what: 'a', value: 'b c' })).not.toBe(digest({ what: 'a b', value: 'c' }));
});

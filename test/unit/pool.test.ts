import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Driver } from '../../src/core/driver.ts';
import { memberName, type VmName } from '../../src/core/name.ts';
import type { VmPlan } from '../../src/core/plan.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import type { VmRecord } from '../../src/core/record.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { changeVm, operation } from '../../src/ops/operation.ts';
import { withMember } from '../../src/ops/pool/claim.ts';
import { endPool, sweepPool } from '../../src/ops/pool/end.ts';
import { fillPool } from '../../src/ops/pool/fill.ts';
import { fits, waitingMembers } from '../../src/ops/pool/members.ts';
import { named } from '../../src/ops/target.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

const GiB = 1024 ** 3;
let home: string;
/** The machines that run, and what was stopped. */
let running: Set<VmName>;
let stopped: VmName[];
/** Bytes of memory that the host has left, of 8 GiB. */
let left: number;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cb-'));
  running = new Set();
  stopped = [];
  left = 8 * GiB;
});
afterEach(() => rmSync(home, { recursive: true }));

/** A real graph, on a driver whose machines run as long as they are in `running`. */
function context(): Ctx {
  const real = createHost({ CLONEBOX_HOME: home, CLONEBOX_CACHE: home });
  const readText: typeof real.files.readText = async (path) =>
    path === '/proc/meminfo'
      ? `MemAvailable: ${Math.floor(left / 1024)} kB\n`
      : real.files.readText(path);
  const host = { ...real, memoryBytes: 8 * GiB, files: { ...real.files, readText } };
  const machine = { process: { pid: 1, startTime: 1 } };
  const driver = {
    name: 'qemu',
    running: async (name: VmName) => (running.has(name) ? machine : undefined),
    stop: async (name: VmName) => {
      if (running.delete(name)) stopped.push(name);
      return 'forced';
    },
    remove: async () => {},
    memory: {
      holds: async (name: VmName, directories: readonly string[]) =>
        running.has(name) && directories.every((directory) => existsSync(directory)),
    },
  } as unknown as Driver;
  const options = { io: quietIo(), startedAt: 0, trace: createTrace({}) };
  return createContext(options, { host, driver: async () => driver });
}

const template = { key: 'a'.repeat(64) };
const warm = { key: `${'b'.repeat(16)}-00000000`, size: 100 };

function plan(change: Partial<VmPlan> = {}): VmPlan {
  const shares = [{ host: home, guest: '/srv', mode: 'rw' }] as const;
  const templates = { warm: true, resident: [], pool: 2 };
  return {
    ...recordOf(web, [], { project: home, shares, templates, memory: GiB }).plan,
    ...change,
  };
}

async function addMember(ctx: Ctx, change: Partial<VmRecord> = {}): Promise<VmRecord> {
  const name = memberName(web);
  const known = { key: template.key, warm: warm.key };
  const record = {
    ...recordOf(web),
    name,
    phase: 'pooled',
    template: known,
    plan: plan(),
  } as const;
  await ctx.store.write({ ...record, ...change });
  running.add(name);
  return { ...record, ...change };
}

test('a machine fits the plan that it was started for, as long as it runs and has its directories', async () => {
  const ctx = context();
  const member = await addMember(ctx);
  const isFit = (change: Partial<VmPlan> = {}, from = { template, warm }) =>
    fits(ctx, member, { plan: plan(change), ...from });
  expect(await isFit()).toBe(true);
  expect(await isFit({ ports: [{ name: '80', guest: 80, host: 8080 }], postCommands: ['x'] })).toBe(
    true,
  );
  expect(await isFit({ project: '/elsewhere' })).toBe(false);
  expect(await isFit({ shares: [{ host: home, guest: '/srv', mode: 'ro' }] })).toBe(false);
  expect(await isFit({ memoryMode: 'own' })).toBe(false);
  expect(await isFit({}, { template: { key: 'c'.repeat(64) }, warm })).toBe(false);
  expect(await isFit({}, { template, warm: { ...warm, key: 'other' } })).toBe(false);
  running.clear();
  expect(await isFit()).toBe(false);
});

test('a claim takes the first that fits, and no other VM gets it', async () => {
  const ctx = context();
  const gone = await addMember(ctx);
  running.delete(gone.name);
  const member = await addMember(ctx);
  writeFileSync(`${ctx.store.paths.vm(member.name).directory}/disk.qcow2`, 'its disk');
  const claim = (action: (found: VmRecord | undefined) => Promise<unknown>, pool = 2) =>
    operation(ctx, { event: 'vm.create', target: named(web) }, (op) =>
      changeVm(op, web, (journal) => {
        const wanted = plan({ templates: { ...plan().templates, pool } });
        return withMember(ctx, { plan: wanted, template, warm, journal, name: web }, action);
      }),
    );
  await claim(async (found) => expect(found).toBeUndefined(), 0);
  await claim(async (found) => {
    expect(found?.name).toBe(member.name);
    expect(existsSync(ctx.store.paths.vm(web).disk)).toBe(true);
    expect(await ctx.store.isLocked(member.name)).toBe(true);
  });
  expect(await ctx.store.members()).toEqual([gone.name]);
  expect(stopped).toEqual([]);
});

test('a claim that fails ends the machine and leaves nothing of it', async () => {
  const ctx = context();
  await addMember(ctx);
  const failed = operation(ctx, { event: 'vm.create', target: named(web) }, (op) =>
    changeVm(op, web, (journal) =>
      withMember(ctx, { plan: plan(), template, warm, journal, name: web }, async () => {
        throw new Error('no');
      }),
    ),
  );
  await expect(failed).rejects.toThrow('no');
  expect(existsSync(ctx.store.paths.vm(web).directory)).toBe(false);
  await endPool(ctx);
  expect(await ctx.store.members()).toEqual([]);
});

test('what nobody can claim is ended, and what another process works with is left alone', async () => {
  const ctx = context();
  const whole = await addMember(ctx);
  const half = await addMember(ctx, { phase: 'creating' });
  const busy = await addMember(ctx, { phase: 'creating' });
  mkdirSync(ctx.store.paths.vm(memberName(web)).directory, { recursive: true });
  await ctx.store.withLock(busy.name, ctx.io, () =>
    sweepPool(ctx, async ({ phase }) => phase === 'pooled'),
  );
  expect(await ctx.store.members()).toEqual([whole.name, busy.name].sort());
  expect(stopped).toEqual([half.name]);
  expect((await waitingMembers(ctx)).map(({ name }) => name)).toEqual([whole.name]);
  await endPool(ctx, web);
  expect(await ctx.store.members()).toEqual([]);
});

test('a pool is no larger than wanted, and never takes the half of the memory that is the host’s', async () => {
  const ctx = context();
  for (let count = 0; count < 3; count++) await addMember(ctx);
  const filling = (pool: number) => ({
    plan: plan({ templates: { ...plan().templates, pool } }),
    beginning: { path: 'warm', template, warm },
    parts: {},
  });
  const fill = (pool: number) => fillPool(ctx, filling(pool) as never);
  expect(await fill(2)).toEqual({ waiting: 2, wanted: 2, reason: null });
  expect(stopped).toHaveLength(1);
  left = 4.1 * GiB;
  const level = await fill(5);
  expect(level).toMatchObject({ waiting: 2, wanted: 5 });
  expect(level.reason).toMatch(/one more needs 192M, .* half of the host's stays free/);
  expect(await fill(0)).toEqual({ waiting: 0, wanted: 0, reason: null });
  expect(running.size).toBe(0);
});

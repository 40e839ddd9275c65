import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Driver, MachineSpec } from '../../src/core/driver.ts';
import type { VmPlan } from '../../src/core/plan.ts';
import { clone, plainClone } from '../../src/ops/clone.ts';
import { doctor } from '../../src/ops/doctor.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { checkSecrets } from '../../src/ops/secrets/check.ts';
import { start } from '../../src/ops/start.ts';
import { noTrust } from '../../src/ops/trust.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

let bed: OperationBed;
let project: string;
let specs: MachineSpec[];
let asked: number;
let ctx: Ctx;

const network = { backend: 'user', hostIsolated: false, egress: 'open', reason: 'no passt here' };
const machines = {
  name: 'qemu',
  preflight: async () => ({
    ...{ version: '7.2', machine: 'q35', network, problems: [] },
    ...{
      accel: { accel: 'tcg', reason: '' },
      shares: { driver: '9p', readOnly: true, reason: '' },
    },
  }),
  inspect: async () => ({ kind: 'stopped' }),
  stop: async () => 'was-stopped',
  grow: async () => {},
  start: async (spec: MachineSpec) => {
    specs.push(spec);
    throw new Error('no machine here');
  },
} as unknown as Driver;

beforeEach(() => {
  bed = createOperationBed();
  project = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbp-')));
  [specs, asked] = [[], 0];
  const openSecrets = async () => {
    asked += 1;
    throw new Error('asked');
  };
  ctx = Object.create(bed.context(), {
    driver: { value: async () => machines },
    openSecrets: { value: openSecrets },
  }) as Ctx;
});
afterEach(() => {
  bed.remove();
  rmSync(project, { recursive: true });
});

const at = (name: string) => path.join(project, name);
const config = (text: string) => writeFileSync(at('.clonebox.yaml'), `version: '2'\n${text}\n`);
const load = (image?: string) =>
  loadPlan(
    ctx,
    { kind: 'project', existing: undefined, directory: project, configFile: at('.clonebox.yaml') },
    { overrides: image === undefined ? {} : { image } },
  );

describe('a later start', () => {
  const begin = async (plan: Partial<VmPlan>) => {
    const shares = [{ host: at('lib'), guest: '/lib2', mode: 'rw' }] as const;
    const own = { project, configFile: at('.clonebox.yaml'), shares, ...plan };
    await ctx.store.write(recordOf(web, [], own));
    return start(ctx, { target: web, cwd: '/', wait: true, trust: noTrust });
  };

  it('goes by the record of the VM, whatever its project says meanwhile', async () => {
    mkdirSync(at('lib'));
    config(`vm: { name: ${web}, cpus: 8 }\nshares: [{ host: /srv, guest: /srv2, mode: rw }]`);
    await expect(begin({ cpus: 2 })).rejects.toThrow('no machine here');
    expect(specs).toMatchObject([{ cpus: 2, shares: [{ host: at('lib'), readOnly: false }] }]);
  });

  it('is refused when a shared directory has become a link', async () => {
    symlinkSync('/srv', at('lib'));
    await expect(begin({})).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('is now a link to /srv'),
    });
    expect(specs).toEqual([]);
  });
});

it('a link to a place of credentials is judged by where it leads', async () => {
  mkdirSync(at('elsewhere/.ssh'), { recursive: true });
  symlinkSync('elsewhere/.ssh', at('harmless'));
  config('shares: [{ host: harmless, guest: /x }]');
  await expect(load()).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('.ssh is never shared'),
  });
});

it('an image is asked about when the file names it, and not when the command line does', async () => {
  config('vm: { image: ./disk.qcow2 }');
  expect((await load()).reach).toMatchObject([{ what: 'image' }]);
  expect((await load('./other.qcow2')).reach).toEqual([]);
});

it('no provider is asked for the secrets of a project that nobody trusts with them', async () => {
  config('secrets: { items: { API_TOKEN: {} } }');
  const input = { target: project, cwd: '/', trust: noTrust };
  const refused = { code: 'refused', facts: { reach: [{ what: 'secret' }] } };
  await expect(checkSecrets(ctx, input)).rejects.toMatchObject(refused);
  await expect(
    clone(ctx, { ...plainClone, ...input, run: true, wait: true }),
  ).rejects.toMatchObject(refused);
  expect(asked).toBe(0);
  await checkSecrets(ctx, { ...input, trust: { given: true, ask: undefined } }).catch(() => {});
  expect(asked).toBe(1);
});

it('a share is writable without a word only where it really is in the project', async () => {
  const outside = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbo-')));
  try {
    for (const name of ['out', 'said']) symlinkSync(outside, at(name));
    mkdirSync(at('in'));
    const shares = ['in, guest: /in', 'out, guest: /out', 'said, guest: /said, mode: rw'];
    config(`shares: [${shares.map((share) => `{ host: ${share} }`).join(', ')}]`);
    expect((await load()).plan.shares.map(({ host, mode }) => [host, mode])).toEqual([
      [at('in'), 'rw'],
      [outside, 'ro'],
      [outside, 'rw'],
    ]);
  } finally {
    rmSync(outside, { recursive: true });
  }
});

it('doctor says when guests can reach the loopback of this host', async () => {
  const { lines } = await doctor(ctx);
  expect(lines).toContainEqual({
    ...{ check: 'network', verdict: 'note', detail: 'no passt here' },
    fix: 'sudo apt install passt',
  });
});

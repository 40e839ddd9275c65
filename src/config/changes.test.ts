import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import { changes } from './changes.ts';

const GiB = 1024 ** 3;
const examplePlan: VmPlan = {
  name: 'app' as VmName,
  project: '/home/me/app',
  configFile: '/home/me/app/.clonebox.yaml',
  driver: 'qemu',
  image: 'debian:12',
  cpus: 2,
  memory: 2 * GiB,
  disk: 20 * GiB,
  accel: 'auto',
  shareDriver: 'auto',
  memoryMode: 'auto',
  templates: { warm: true, resident: [], pool: 0 },
  user: { name: 'me', uid: 1000, gid: 1000, shell: '/bin/bash' },
  auth: { method: 'ssh_key', keys: [] },
  authorizedKeys: [],
  shares: [{ host: '/home/me/app', guest: '/home/me/app', mode: 'rw' }],
  directory: '/home/me/app',
  packages: [],
  snapPackages: [],
  services: [],
  run: [],
  provision: [],
  postCommands: [],
  ports: [],
  egress: 'full',
  allow: [],
  hostPorts: [],
  environment: {},
  secrets: [],
  secretOptions: {},
  withheld: [],
};
const planChanges = (changed: Partial<VmPlan>) =>
  changes(examplePlan, { ...examplePlan, ...changed });
const finding = { source: 'x', confidence: 'certain', reason: 'y' } as const;
const web = {
  name: 'web',
  command: ['node', 'a b.js'],
  cwd: '/x',
  env: {},
  port: 80,
  restart: 'no',
} as const;

describe('changes', () => {
  it('are none between equal plans, whatever the order of what has none', () => {
    const packages = ['b', 'a'].map((name) => ({ name, version: undefined, finding }));
    const from = {
      ...examplePlan,
      packages,
      services: ['x', 'y'],
      environment: { A: '1', B: '2' },
    };
    const to: VmPlan = {
      ...from,
      packages: packages
        .toReversed()
        .map((item) => ({ ...item, finding: { ...finding, source: 'z' } })),
      services: ['y', 'x'],
      environment: { B: '2', A: '1' },
    };
    expect(changes(from, to)).toEqual([]);
  });

  it('are none for a record whose keys were read, and for an older one that has but those', () => {
    const line = `ssh-ed25519 ${'A'.repeat(68)} me@pc`;
    const plan = (keys: string[], authorizedKeys: string[]): VmPlan => ({
      ...examplePlan,
      ...{ auth: { method: 'ssh_key', keys }, authorizedKeys },
    });
    expect(changes(plan(['github:me'], [line]), plan(['github:me'], []))).toEqual([]);
    expect(changes(plan([], [line]), plan([line], [line]))).toEqual([]);
  });

  it('are none after a record was written and read', () => {
    const from = { ...examplePlan, run: [{ ...web, port: undefined }] };
    expect(changes(JSON.parse(JSON.stringify(from)), from)).toEqual([]);
  });

  it.each<[Partial<VmPlan>, object]>([
    [{ cpus: 3 }, { key: 'vm.cpus', from: '2', to: '3', applies: 'start' }],
    [{ memory: 1.5 * GiB }, { key: 'vm.memory', from: '2G', to: '1536M', applies: 'start' }],
    [{ disk: 30 * GiB }, { key: 'vm.disk', from: '20G', to: '30G', applies: 'start' }],
    [{ disk: 10 * GiB }, { key: 'vm.disk', from: '20G', to: '10G', applies: 'replace' }],
    [
      { image: 'debian:13' },
      { key: 'vm.image', from: 'debian:12', to: 'debian:13', applies: 'replace' },
    ],
    [{ driver: 'x' }, { key: 'vm.driver', from: 'qemu', to: 'x', applies: 'replace' }],
    [{ accel: 'tcg' }, { key: 'vm.accel', from: 'auto', to: 'tcg', applies: 'start' }],
    [{ shareDriver: '9p' }, { key: 'vm.share_driver', from: 'auto', to: '9p', applies: 'start' }],
    [
      { user: { ...examplePlan.user, gid: 5 } },
      {
        key: 'vm.user',
        from: 'me (1000:1000, /bin/bash)',
        to: 'me (1000:5, /bin/bash)',
        applies: 'replace',
      },
    ],
    [
      { auth: { method: 'ssh_key', keys: [`ssh-ed25519 ${'A'.repeat(68)} me@pc`, 'github:me'] } },
      { key: 'vm.auth', from: 'none', to: 'me@pc, github:me', applies: 'replace' },
    ],
    [
      { auth: { method: 'one_time_password', keys: [] } },
      { key: 'vm.auth', from: 'none', to: 'one_time_password', applies: 'replace' },
    ],
    [{ shares: [] }, { key: 'shares', from: '/home/me/app (rw)', to: 'none', applies: 'start' }],
    [
      { shares: [...examplePlan.shares, { host: '/a', guest: '/b', mode: 'copy' }] },
      { key: 'shares', from: 'none', to: '/a at /b (copy)', applies: 'replace' },
    ],
    [
      { packages: [{ name: 'a', version: '1', finding }] },
      { key: 'packages', from: 'none', to: 'a=1', applies: 'replace' },
    ],
    [{ snapPackages: ['a'] }, { key: 'snap_packages', from: 'none', to: 'a', applies: 'replace' }],
    [{ services: ['a'] }, { key: 'services', from: 'none', to: 'a', applies: 'replace' }],
    [
      { run: [web] },
      { key: 'run.web', from: 'none', to: 'node "a b.js" (port 80)', applies: 'replace' },
    ],
    [
      { postCommands: ['a'] },
      { key: 'post_commands', from: '0 steps', to: '1 step', applies: 'replace' },
    ],
    [
      { provision: [{ kind: 'run', run: 'a', as: 'root' }] },
      { key: 'provision', from: '0 steps', to: '1 step', applies: 'replace' },
    ],
    [
      {
        ports: [
          { name: '80', guest: 80, host: 8080 },
          { name: '5', guest: 5, host: undefined },
        ],
      },
      { key: 'ports', from: 'none', to: '5, 8080:80', applies: 'live' },
    ],
    [{ egress: 'none' }, { key: 'network.egress', from: 'full', to: 'none', applies: 'start' }],
    [
      { allow: ['b.example', 'a.example'] },
      { key: 'network.allow', from: 'none', to: 'a.example, b.example', applies: 'start' },
    ],
    [
      { hostPorts: [5432] },
      { key: 'network.host_ports', from: 'none', to: '5432', applies: 'start' },
    ],
  ])('of %j', (changed, change) => {
    expect(planChanges(changed)).toEqual([change]);
  });

  it('tell other steps of the same number apart', () => {
    const from = { ...examplePlan, postCommands: ['a', 'b'], run: [web] };
    const to = { ...from, postCommands: ['b', 'a'], run: [{ ...web, env: { A: '1' } }] };
    expect(changes(from, to)).toEqual([
      { key: 'post_commands', from: '2 steps', to: 'other 2 steps', applies: 'replace' },
      {
        key: 'run.web',
        from: 'node "a b.js" (port 80)',
        to: 'other node "a b.js" (port 80)',
        applies: 'replace',
      },
    ]);
  });

  it('leave an image alone that auto chose', () => {
    expect(planChanges({ image: 'auto' })).toEqual([]);
  });

  it('name variables without their values', () => {
    const from = { ...examplePlan, environment: { GONE: 'one', KEPT: 'two', SET: 'three' } };
    const found = changes(from, {
      ...from,
      environment: { KEPT: 'two', SET: 'four', NEW: 'five' },
    });
    expect(found.map(({ key, from: was, to }) => [key, was, to])).toEqual([
      ['environment.GONE', 'a value', 'none'],
      ['environment.SET', 'a value', 'another value'],
      ['environment.NEW', 'none', 'a value'],
    ]);
  });

  it('never hold a control character', () => {
    const [change] = planChanges({ shares: [{ host: '/a\u001b[2J', guest: '/b', mode: 'rw' }] });
    expect(change?.to).toBe('/a\\u001b[2J at /b (rw)');
  });
});

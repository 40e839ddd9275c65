import { expect, test } from 'vitest';
import type { Host } from '../../core/host.ts';
import { createHost } from '../../host/local.ts';
import { chooseAccel } from './accel.ts';

interface Machine {
  kvm?: 'missing' | 'forbidden' | 'opens';
  flags?: string;
  architecture?: string;
  env?: Record<string, string>;
}

function hostLike(machine: Machine): Host {
  const real = createHost({});
  const kvm = machine.kvm ?? 'opens';
  return {
    ...real,
    env: machine.env ?? {},
    architecture: machine.architecture ?? 'x64',
    canOpen: async () => kvm === 'opens',
    files: {
      ...real.files,
      facts: async () =>
        kvm === 'missing'
          ? undefined
          : { kind: 'other', size: 0, allocated: 0, mode: 0o660, uid: 0, gid: 0, modified: 0 },
      readText: async () =>
        machine.flags === undefined
          ? undefined
          : `processor\t: 0\nvendor_id\t: X\nflags\t\t: ${machine.flags}\nbugs\t\t: vmxnet\n`,
    },
  };
}

const rows: [string, Machine, 'kvm' | 'tcg', RegExp][] = [
  ['KVM and Intel', { flags: 'fpu vmx sse' }, 'kvm', /vmx/],
  ['KVM and AMD', { flags: 'fpu svm' }, 'kvm', /svm/],
  ['KVM that opens, without the flags', { flags: 'fpu sse' }, 'tcg', /neither vmx nor svm/],
  ['flags that only begin alike', { flags: 'vmxnet svm_lock' }, 'tcg', /neither/],
  ['an empty cpuinfo', { flags: '' }, 'tcg', /neither/],
  ['no cpuinfo at all', {}, 'tcg', /neither/],
  ['no /dev/kvm', { kvm: 'missing', flags: 'vmx' }, 'tcg', /there is no \/dev\/kvm/],
  ['a /dev/kvm of others', { kvm: 'forbidden', flags: 'vmx' }, 'tcg', /group kvm/],
  ['an ARM machine with KVM', { architecture: 'arm64' }, 'kvm', /opens/],
  ['an ARM machine without', { architecture: 'arm64', kvm: 'missing' }, 'tcg', /no \/dev\/kvm/],
  ['CLONEBOX_ACCEL=kvm', { kvm: 'missing', env: { CLONEBOX_ACCEL: 'kvm' } }, 'kvm', /=kvm/],
  ['CLONEBOX_ACCEL=tcg', { flags: 'vmx', env: { CLONEBOX_ACCEL: 'tcg' } }, 'tcg', /=tcg/],
  ['CLONEBOX_ACCEL=auto', { flags: 'vmx', env: { CLONEBOX_ACCEL: 'auto' } }, 'kvm', /vmx/],
  ['an empty CLONEBOX_ACCEL', { flags: 'vmx', env: { CLONEBOX_ACCEL: '' } }, 'kvm', /vmx/],
];

test.each(rows)('auto on %s', async (_, machine, accel, reason) => {
  const choice = await chooseAccel(hostLike(machine), 'auto');
  expect(choice.accel).toBe(accel);
  expect(choice.reason).toMatch(reason);
});

test('what the configuration wants is taken, and what the environment wants goes before it', async () => {
  const without = hostLike({ kvm: 'missing' });
  expect(await chooseAccel(without, 'kvm')).toEqual({ accel: 'kvm', reason: 'vm.accel: kvm' });
  const forced = hostLike({ env: { CLONEBOX_ACCEL: 'tcg' } });
  expect((await chooseAccel(forced, 'kvm')).accel).toBe('tcg');
});

test.each(['KVM', 'yes', 'tcg,thread=multi', ' '])(
  'CLONEBOX_ACCEL=%j is a usage error',
  async (value) => {
    const choice = chooseAccel(hostLike({ env: { CLONEBOX_ACCEL: value } }), 'auto');
    await expect(choice).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('tcg'),
    });
  },
);

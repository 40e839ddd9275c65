import { expect, test } from 'vitest';
import type { AccelChoice, DriverFacts } from '../../core/driver.ts';
import type { Host } from '../../core/host.ts';
import { createHost } from '../../host/local.ts';
import { memoryIdentity } from './memory-identity.ts';

const facts = (accel: AccelChoice['accel'], build = 'QEMU 7.2.22 (Debian 1:7.2)'): DriverFacts => ({
  driver: 'qemu',
  version: '7.2.22',
  build,
  machine: 'pc-q35-7.2',
  layout: 1,
  accel: { accel, reason: '' },
  network: { backend: 'user', hostIsolated: false, egress: 'open', reason: '' },
  shares: { driver: '9p', reason: '', readOnly: true },
  problems: [],
});

const processor = `processor\t: 0
model name\t: Some CPU
microcode\t: 0x1
cpu MHz\t\t: 2000.000
flags\t\t: fpu vmx sse
`;

function hostWith(cpuinfo = `${processor}\n${processor}`, kernel = '6.1.0-1-amd64\n'): Host {
  const real = createHost({});
  const readText = async (path: string) => (path === '/proc/cpuinfo' ? cpuinfo : kernel);
  return { ...real, architecture: 'x64', files: { ...real.files, readText } };
}

const identity = (accel: AccelChoice['accel'], host = hostWith()) =>
  memoryIdentity(host, facts(accel));

test('with KVM it is of the processor and the kernel, not of the moment', async () => {
  const own = await identity('kvm');
  expect(own).toContain('Debian 1:7.2');
  const faster = processor.replace('2000.000', '3700.123');
  expect(await identity('kvm', hostWith(faster))).toBe(own);
  for (const [from, to] of [
    ['vmx', 'vmx avx'],
    ['0x1', '0x2'],
    ['Some', 'Other'],
  ] as const) {
    expect(await identity('kvm', hostWith(processor.replace(from, to)))).not.toBe(own);
  }
  expect(await identity('kvm', hostWith(processor, '6.1.0-2-amd64\n'))).not.toBe(own);
});

test("with TCG it is not of the host's processor", async () => {
  const own = await identity('tcg');
  expect(await identity('tcg', hostWith('', 'other'))).toBe(own);
  expect(await memoryIdentity(hostWith(), facts('tcg', 'QEMU 7.2.23'))).not.toBe(own);
  expect(await memoryIdentity({ ...hostWith(), architecture: 'arm64' }, facts('tcg'))).not.toBe(
    own,
  );
});

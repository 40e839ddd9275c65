import type { AccelChoice } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';

/**
 * Which accelerator to use, and why (docs/lab.md). The existence of /dev/kvm proves nothing: on some hosts it
 * opens and no guest boots, so KVM also needs a processor that says it can virtualise.
 */
export async function chooseAccel(
  host: Host,
  wanted: 'auto' | 'kvm' | 'tcg',
): Promise<AccelChoice> {
  const forced = host.env.CLONEBOX_ACCEL;
  if (forced === 'kvm' || forced === 'tcg')
    return { accel: forced, reason: `CLONEBOX_ACCEL=${forced}` };
  if (forced !== undefined && forced !== '' && forced !== 'auto') {
    throw new CloneboxError('usage', `CLONEBOX_ACCEL=${forced} is not an accelerator`, {
      hint: 'Use kvm, tcg or auto.',
    });
  }
  if (wanted !== 'auto') return { accel: wanted, reason: `vm.accel: ${wanted}` };

  if (!(await host.canOpen('/dev/kvm'))) {
    const there = (await host.files.facts('/dev/kvm')) !== undefined;
    return {
      accel: 'tcg',
      reason: there
        ? '/dev/kvm may not be opened by this user (group kvm)'
        : 'there is no /dev/kvm',
    };
  }
  if (host.architecture !== 'x64') return { accel: 'kvm', reason: '/dev/kvm opens' };
  const flags =
    /^flags\s*:(.*)$/m.exec((await host.files.readText('/proc/cpuinfo')) ?? '')?.[1] ?? '';
  const feature = ['vmx', 'svm'].find((flag) => flags.split(' ').includes(flag));
  return feature
    ? { accel: 'kvm', reason: `/dev/kvm opens and the processor has ${feature}` }
    : { accel: 'tcg', reason: '/dev/kvm opens, but the processor has neither vmx nor svm' };
}

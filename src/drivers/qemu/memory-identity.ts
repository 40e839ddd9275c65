import type { DriverFacts } from '../../core/driver.ts';
import { emulatedBoot, emulatedProcessor } from '../../core/emulated-processor.ts';
import type { Host } from '../../core/host.ts';
import { sha256 } from '../../lib/sha256.ts';

/**
 * What must be the same for a kept memory to be gone on from: the state of devices is that of one build of QEMU, one
 * machine type and one layout, and the processor that the guest has found must still be there. Reads two files at most.
 */
export async function memoryIdentity(host: Host, facts: DriverFacts): Promise<string> {
  const { accel } = facts.accel;
  return [
    facts.driver,
    facts.build ?? 'unknown build',
    facts.machine ?? 'unknown machine',
    `layout ${facts.layout}`,
    host.architecture,
    // KVM's processor is the host's own, as its kernel lets a guest see it.
    `${accel} ${accel === 'tcg' ? `${emulatedProcessor} ${emulatedBoot}` : await processorIdentity(host)}`,
  ].join('; ');
}

/** Features, model and microcode of the host's processor, and the kernel that virtualises it. */
async function processorIdentity(host: Host): Promise<string> {
  const cpuinfo = (await host.files.readText('/proc/cpuinfo')) ?? '';
  const first = cpuinfo.split('\n\n', 1)[0]?.trimEnd() ?? '';
  // Not what changes by itself: the clock's speed, the number of the processor.
  const lasting = first
    .split('\n')
    .filter(
      (line) => !/^(processor|cpu MHz|bogomips|apicid|initial apicid|core id)\s*:/i.test(line),
    )
    .join('\n');
  const kernel = (await host.files.readText('/proc/sys/kernel/osrelease'))?.trim();
  return `${sha256(lasting).slice(0, 16)} Linux ${kernel}`;
}

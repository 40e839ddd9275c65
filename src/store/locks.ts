import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmName } from '../core/name.ts';
import type { Paths } from '../core/store.ts';
import { homeFiles } from './paths.ts';
import { ensureRuntime } from './runtime-directory.ts';

/** Somebody who asks whether a lock is held takes it for an instant: that is no conflict. */
const probeMilliseconds = 200;
/** Nobody keeps the list of leases for longer than a few file operations. */
const leaseWaitMilliseconds = 10_000;

/** The lock file of a VM. It outlives the VM's directory, so that a name is locked before it is used. */
export function vmLockFile(paths: Paths, name: VmName): string {
  return `${paths.locks}/${name}.lock`;
}

/**
 * Runs `action` with the lock of a VM and a runtime directory that is safe to use. Fails with `conflict`, naming
 * the holder, when another process has it, and with `host-unable` when the runtime directory is not ours.
 */
export async function withVmLock<T>(
  { host, paths, name }: { host: Host; paths: Paths; name: VmName },
  io: Io,
  action: () => Promise<T>,
): Promise<T> {
  await ensureRuntime(host, paths);
  const what = `vm ${name}`;
  const held = await host.lock(vmLockFile(paths, name), io, { what, wait: probeMilliseconds });
  try {
    return await action();
  } finally {
    await held.release();
  }
}

/** Runs `action` while no other process changes the list of leased ports. */
export async function withLeaseLock<T>(
  { host, paths }: { host: Host; paths: Paths },
  io: Io,
  action: () => Promise<T>,
): Promise<T> {
  const held = await host.lock(`${paths.home}/${homeFiles.leaseLock}`, io, {
    what: 'the list of host ports',
    wait: leaseWaitMilliseconds,
  });
  try {
    return await action();
  } finally {
    await held.release();
  }
}

import type { Driver } from '../core/driver.ts';
import type { Host } from '../core/host.ts';
import type { Paths } from '../core/store.ts';

interface DriverEntry {
  readonly summary: string;
  readonly open: (deps: { host: Host; paths: Paths }) => Promise<Driver>;
}

/** Every driver there is. A new one is a folder beside this file and a line here. */
export const drivers: Readonly<Record<string, DriverEntry>> = {
  qemu: {
    summary: 'QEMU by itself: no daemon, no root',
    open: async (deps) => (await import('./qemu/driver.ts')).createQemuDriver(deps),
  },
};

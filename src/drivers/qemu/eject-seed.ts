import type { Qmp } from './qmp.ts';

/** The block node below the seed medium once that is gone. */
const nothing = 'no-seed';

/**
 * QEMU closes the file of the seed medium, and the guest reads zeroes there until it stops. The device itself stays, since
 * what is plugged into pcie.0 cannot be unplugged.
 */
export async function ejectSeed(qmp: Qmp): Promise<void> {
  const nodes = await qmp.execute('query-named-block-nodes', { flat: true });
  const seed = nodes.find((node) => node['node-name'] === 'seed');
  if (seed?.image === undefined || nodes.some((node) => node['node-name'] === nothing)) return;
  // Without read-zeroes the guest would read what QEMU's memory happens to hold.
  const empty = { driver: 'null-co', 'read-zeroes': true, size: seed.image['virtual-size'] };
  await qmp.execute('blockdev-add', { ...empty, 'node-name': nothing, 'read-only': true });
  await qmp.execute('blockdev-reopen', {
    options: [{ driver: 'raw', 'node-name': 'seed', 'read-only': true, file: nothing }],
  });
}

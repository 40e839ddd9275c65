import { randomUUID } from 'node:crypto';
import type { Ctx } from '../core/ctx.ts';
import { parseVmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';

/** Fills a state directory with fifty stopped VMs that have a record and a disk file, enough for `list`. */
export async function fiftyVms(ctx: Ctx, home: string): Promise<void> {
  for (let index = 0; index < 50; index++) {
    const name = parseVmName(`vm-${index}`);
    const directory = `${home}/vms/${name}`;
    await ctx.host.files.makeDirectory(directory);
    await ctx.host.files.writeAtomic(
      `${directory}/record.json`,
      JSON.stringify(sampleRecord(name, index)),
    );
    await ctx.host.files.writeAtomic(`${directory}/disk.qcow2`, '');
  }
}

export async function removeFiftyVms(ctx: Ctx, home: string): Promise<void> {
  await ctx.host.files.remove(home);
}

function sampleRecord(name: VmRecord['name'], index: number): VmRecord {
  return {
    version: 1,
    name,
    uuid: randomUUID(),
    mac: '52:54:00:00:00:01',
    created: new Date(0).toISOString(),
    phase: 'ready',
    plan: {
      ...{
        name,
        project: `/srv/project-${index}`,
        configFile: undefined,
        driver: 'qemu',
        image: 'debian:12',
      },
      ...{
        cpus: 2,
        memory: 2 * 1024 ** 3,
        disk: 20 * 1024 ** 3,
        accel: 'auto',
        shareDriver: 'auto',
        memoryMode: 'auto',
        templates: { warm: true, resident: [], pool: 0 },
      },
      user: { name: 'me', uid: 1000, gid: 1000, shell: '/bin/bash' },
      ...{
        auth: { method: 'ssh_key', keys: [] },
        authorizedKeys: [],
        shares: [],
        packages: [],
        snapPackages: [],
        services: [],
        run: [],
        provision: [],
      },
      directory: '/',
      ...{
        postCommands: [],
        ports: [],
        egress: 'full',
        allow: [],
        hostPorts: [],
        environment: {},
        withheld: [],
        secrets: [],
        secretOptions: {},
      },
    },
    image: {
      reference: 'debian:12',
      digest: '0'.repeat(64),
      setup: 'agent',
      boot: { kind: 'firmware' },
    },
    layout: 1,
    machine: 'pc-q35-7.2',
    leases: [{ name: 'ssh', guest: 22, host: 22000 + index }],
  };
}

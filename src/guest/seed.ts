import { stringify } from 'yaml';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { VmRecord } from '../core/record.ts';
import type { VmPaths } from '../core/store.ts';

/**
 * What a vendor's image is told at its first boot (cloud-init, NoCloud). Only how to be reached: the agent. Name, user,
 * keys and everything else go in over that channel afterwards, so the seed holds no secret.
 */
export function userData(): string {
  const data = {
    // Nobody but root, who is there already: an empty list would be right, and the schema refuses it.
    users: [{ name: 'root', lock_passwd: false }],
    ssh_pwauth: false,
    disable_root: false,
    ssh_deletekeys: true,
    // One that is quickly made: sshd wants a key to start with. Ours takes its place.
    ssh_genkeytypes: ['ed25519'],
    preserve_hostname: true,
    manage_etc_hosts: false,
    package_update: true,
    packages: ['qemu-guest-agent'],
    runcmd: [['systemctl', 'start', 'qemu-guest-agent.service']],
  };
  return `#cloud-config\n${toYaml(data)}`;
}

export function metaData(record: VmRecord): string {
  return toYaml({ 'instance-id': record.uuid, 'local-hostname': record.plan.name });
}

/** With every text in quotes: cloud-init reads YAML 1.1, where a VM named `no` would be false. */
function toYaml(data: unknown): string {
  return stringify(data, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' });
}

/** Writes the seed as an ISO 9660 image labelled `cidata`, 0600, with whichever of the three usual tools is there. */
export async function writeSeed(
  host: Host,
  record: VmRecord,
  options: { paths: VmPaths; io: Io },
): Promise<void> {
  const { paths, io } = options;
  const staging = `${paths.directory}/seed`;
  await host.files.makeDirectory(staging);
  await host.files.writeAtomic(`${staging}/user-data`, userData());
  await host.files.writeAtomic(`${staging}/meta-data`, metaData(record));
  const xorriso = await host.which('xorriso');
  const tool = xorriso
    ? [xorriso, '-as', 'mkisofs']
    : [(await host.which('genisoimage')) ?? (await host.which('mkisofs'))];
  if (tool[0] === undefined) {
    throw new CloneboxError(
      'host-unable',
      'no tool here can write the seed medium of a cloud image',
      {
        hint: 'sudo apt install xorriso, or use an image that needs no seed: bootstrap:debian:12',
      },
    );
  }
  const argv = [
    ...(tool as string[]),
    '-quiet',
    '-output',
    paths.seed,
    '-volid',
    'cidata',
    '-joliet',
    '-rock',
  ];
  const result = await host.run([...argv, `${staging}/user-data`, `${staging}/meta-data`], io, {
    timeout: 60_000,
  });
  await host.files.remove(staging);
  if (result.exitCode !== 0) {
    throw new CloneboxError(
      'host-unable',
      `the seed medium could not be written: ${result.stderr.trim()}`,
    );
  }
  await host.files.setMode(paths.seed, 0o600);
}

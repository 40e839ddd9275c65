import * as z from 'zod';
import type { DiskSpec } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { RunResult } from '../../core/process.ts';

const Info = z.looseObject({ 'virtual-size': z.number(), 'actual-size': z.number().optional() });

/** Makes a qcow2 disk, over a base image if there is one. Fails with `conflict` when the file exists; leaves nothing. */
export async function createDisk(host: Host, disk: DiskSpec, io: Io): Promise<void> {
  if ((await host.files.facts(disk.path)) !== undefined) {
    throw new CloneboxError('conflict', `${disk.path} exists already`, {
      facts: { path: disk.path },
    });
  }
  const base = disk.base === undefined ? [] : ['-F', 'qcow2', '-b', disk.base];
  const argv = [
    await host.require('qemu-img'),
    'create',
    '-q',
    '-f',
    'qcow2',
    ...base,
    disk.path,
    String(disk.size),
  ];
  try {
    const result = await host.run(argv, io, { timeout: 60_000 });
    if (result.exitCode !== 0) throw diskFailure('make', disk.path, result);
    await host.files.setMode(disk.path, 0o600);
  } catch (error) {
    // Interrupted or out of time, too: a half-made disk would be a conflict for the next try.
    await host.files.remove(disk.path);
    throw error;
  }
}

/** Makes the disk of a stopped machine at least `size` bytes. A larger one stays as it is. */
export async function growDisk(
  host: Host,
  disk: { path: string; size: number },
  io: Io,
): Promise<void> {
  const { virtual } = await measureDisk(host, disk.path, io);
  if (virtual >= disk.size) return;
  const argv = [
    await host.require('qemu-img'),
    'resize',
    '-q',
    '-f',
    'qcow2',
    disk.path,
    String(disk.size),
  ];
  const result = await host.run(argv, io, { timeout: 60_000 });
  if (result.exitCode !== 0) throw diskFailure('grow', disk.path, result);
}

/** Reads a disk's sizes; `-U` because a running QEMU holds its lock. */
export async function measureDisk(
  host: Host,
  path: string,
  io: Io,
): Promise<{ allocated: number; virtual: number }> {
  const argv = [await host.require('qemu-img'), 'info', '-U', '-f', 'qcow2', '--output=json', path];
  const result = await host.run(argv, io, { timeout: 60_000 });
  if (result.exitCode !== 0) throw diskFailure('read', path, result);
  const info = Info.parse(JSON.parse(result.stdout));
  return { allocated: info['actual-size'] ?? 0, virtual: info['virtual-size'] };
}

function diskFailure(verb: string, path: string, result: RunResult): CloneboxError {
  const full = /no space left/i.test(result.stderr);
  return new CloneboxError(
    full ? 'host-unable' : 'hypervisor-failed',
    `could not ${verb} the disk: ${result.stderr.trim()}`,
    {
      hint: full ? 'Free some space, then try again.' : undefined,
      facts: { path },
    },
  );
}

import * as z from 'zod';
import type { Extent } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import type { ProcessRef } from '../../core/process.ts';

/** Milliseconds for copying the memory of a large machine to a slow disk. */
const copyTimeout = 10 * 60_000;

/**
 * The memory of a machine that has it for itself, as a path: QEMU's memfd, which is no file of any file system.
 * `undefined` when it has none (yet), as a machine that maps a kept memory copy-on-write.
 */
export async function findMemory(host: Host, { pid }: ProcessRef): Promise<string | undefined> {
  const directory = `/proc/${pid}/fd`;
  for (const descriptor of await host.files.list(directory)) {
    const path = `${directory}/${descriptor}`;
    const target = await host.files.readLink(path);
    if (target?.startsWith('/memfd:memory-backend-memfd')) return path;
  }
  return undefined;
}

/**
 * Copies memory into a file that is there, as large, and empty: what is zero stays a hole. qemu-img because it skips the
 * holes of its source, needs no truncation (which QEMU's memfd is sealed against), and makes no file: one that outlives
 * a killed CloneBox leaves nothing where the files were removed meanwhile.
 */
export async function copyMemory(
  host: Host,
  { from, to, io }: { from: string; to: string; io: Io },
): Promise<void> {
  const argv = [
    ...[await host.require('qemu-img'), 'convert', '-n', '--target-is-zero'],
    ...['-f', 'raw', '-O', 'raw', '-W', '-m', '4', from, to],
  ];
  const { exitCode, stderr } = await host.run(argv, io, { timeout: copyTimeout });
  if (exitCode === 0) return;
  const full = /no space left/i.test(stderr);
  throw new CloneboxError(
    full ? 'host-unable' : 'hypervisor-failed',
    `could not copy the memory: ${stderr.trim()}`,
    { hint: full ? 'Free some space, then try again.' : undefined, facts: { from, to } },
  );
}

const Parts = z.array(z.looseObject({ start: z.number(), length: z.number(), zero: z.boolean() }));

/** `Driver.memory.written`: qemu-img asks the file system; to read a hole would make the host keep its zeroes in memory. */
export async function writtenParts(host: Host, ram: string, io: Io): Promise<readonly Extent[]> {
  const argv = [await host.require('qemu-img'), 'map', '-U', '-f', 'raw', '--output=json', ram];
  const { exitCode, stdout, stderr } = await host.run(argv, io, { timeout: 60_000 });
  if (exitCode !== 0)
    throw new CloneboxError('hypervisor-failed', `could not read the memory: ${stderr.trim()}`, {
      facts: { path: ram },
    });
  return Parts.parse(JSON.parse(stdout))
    .filter(({ zero }) => !zero)
    .map(({ start, length }) => ({ from: start, length }));
}

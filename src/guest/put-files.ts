import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import { type GuestFile, packFiles } from './archive.ts';
import { type Phase, runInGuest } from './phase.ts';

/** Puts files in place with their owners and modes, then runs a few lines of shell: one process tree for all. */
export async function putFiles(
  guest: Guest,
  files: readonly GuestFile[],
  options: { io: Io; phase: Phase; script: string },
): Promise<void> {
  const { io, phase } = options;
  const archive = await packFiles(files);
  const script = `set -e\ntar -C / --no-overwrite-dir -xpf -\n${options.script}\n`;
  await runInGuest(guest, ['/bin/sh', '-c', script], {
    ...{ io, phase, stdin: archive, timeout: 300_000 },
    shown: 'putting files in place',
  });
}

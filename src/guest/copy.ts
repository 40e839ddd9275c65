import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { GuestUser } from '../core/plan.ts';
import type { ProjectTree } from '../core/project-tree.ts';
import type { VmRecord } from '../core/record.ts';
import type { Paths } from '../core/store.ts';
import { shellQuote } from '../lib/quote.ts';
import { sshArgv } from './ssh.ts';

/** Where tar inherits the directory: its name may be another directory's by now. */
const sourceDescriptor = 9;

/**
 * Copies a host directory into the guest, owned by the guest's user: tar at one end of the pinned ssh, tar at the
 * other, so that links, modes and any name survive. Fails with `guest-failed` when any of it could not be copied.
 */
export async function copyIn(
  deps: { host: Host; paths: Paths },
  record: VmRecord,
  options: { source: ProjectTree; guest: string; user: GuestUser; io: Io },
): Promise<void> {
  const { source, io } = options;
  const ssh = await sshArgv(deps.host, record, {
    tty: false,
    user: 'root',
    paths: deps.paths.vm(record.name),
  });
  const target = shellQuote(options.guest);
  const owner = `${options.user.uid}:${options.user.gid}`;
  const remote = `mkdir -p ${target} && tar -C ${target} -xpf - && chown -R ${owner} ${target}`;
  // The status of a pipe is that of its end; that of tar here comes back on standard output.
  const script = `{ { tar -C /proc/self/fd/${sourceDescriptor} -cf - . || echo $? >&3; } | "$@" >&2 9<&-; } 3>&1`;
  const result = await deps.host.run(['sh', '-c', script, 'sh', ...ssh, remote], io, {
    inherit: { from: sourceDescriptor, own: [source.descriptor] },
  });
  // 1: a file changed while it was read, which a living project may.
  if (result.exitCode !== 0 || !['', '1'].includes(result.stdout.trim())) {
    throw new CloneboxError(
      'guest-failed',
      `could not copy ${source.path}: ${result.stderr.trim().slice(-500)}`,
      {
        facts: { phase: 'copies', path: source.path },
      },
    );
  }
}

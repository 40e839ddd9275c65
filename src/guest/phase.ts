import { CloneboxError, isCloneboxError, reasonOf } from '../core/errors.ts';
import type { Guest, GuestExecOptions } from '../core/guest.ts';
import type { Io } from '../core/io.ts';

/** A phase of provisioning: how errors are named and progress is shown. */
export interface Phase {
  readonly id: string;
  readonly title: string;
}

const lookInside = 'Run again with --keep-failed to keep the VM and look inside: clonebox ssh';

/** Runs a phase; whatever fails in it carries the phase's name. */
export async function inPhase<T>(phase: Phase, io: Io, action: () => Promise<T>): Promise<T> {
  io.emit({ kind: 'phase', id: phase.id, title: phase.title });
  io.log.info('vm.provision.phase', { phase: phase.id });
  try {
    return await action();
  } catch (error) {
    if (io.signal.aborted) throw io.signal.reason;
    if (isCloneboxError(error) && error.facts.phase !== undefined) throw error;
    const cause = isCloneboxError(error) ? error : undefined;
    throw new CloneboxError(cause?.code ?? 'guest-failed', `${phase.title}: ${reasonOf(error)}`, {
      hint: cause?.hint ?? lookInside,
      facts: { ...cause?.facts, phase: phase.id },
      cause: error,
    });
  }
}

/** Runs a command of a phase to its end, showing its lines. A non-zero status fails with its last output. */
export async function runInGuest(
  guest: Guest,
  argv: readonly string[],
  options: GuestExecOptions & {
    io: Io;
    phase: Phase;
    shown?: string;
    /** What people see of a line that the command has written; default the line itself. */
    told?: (line: string) => string;
  },
): Promise<string> {
  const { io, phase, told = (line) => line } = options;
  let partial = '';
  const result = await guest.exec(argv, io, {
    ...options,
    onOutput: (_, chunk) => {
      const lines = (partial + Buffer.from(chunk).toString('utf8')).split(/[\r\n]+/);
      partial = lines.pop() ?? '';
      for (const line of lines)
        if (line.trim() !== '') io.emit({ kind: 'detail', text: told(line.trim()) });
    },
  });
  if (result.exitCode === 0) return result.stdout;
  const shown = options.shown ?? argv.join(' ');
  const output = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-15).join('\n');
  throw new CloneboxError(
    'guest-failed',
    `${phase.title}: \`${shown}\` failed with status ${result.exitCode}\n${output}`,
    {
      hint: lookInside,
      facts: { phase: phase.id, command: shown, exitCode: result.exitCode, output },
    },
  );
}

import type { MachineState } from '../../core/driver.ts';
import type { Host } from '../../core/host.ts';
import type { ProcessRef } from '../../core/process.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { withDeadline } from '../../lib/deadline.ts';
import { connectQmp, type Qmp } from './qmp.ts';
import { type RuntimeFiles, runtimeFiles } from './runtime-files.ts';

/** One machine on this host: where its files are. */
export interface Machine {
  readonly host: Host;
  readonly files: RuntimeFiles;
}

/**
 * The QEMU process of a runtime directory, read from the truth: the pid in its pid file, alive, and with this very
 * pid file in its command line. A stale file or a pid that somebody else has now is nobody.
 */
export async function findQemu(host: Host, files: RuntimeFiles): Promise<ProcessRef | undefined> {
  const pid = Number.parseInt((await host.files.readText(files.pid)) ?? '', 10);
  if (!Number.isInteger(pid)) return undefined;
  const commandLine = (await host.files.readText(`/proc/${pid}/cmdline`)) ?? '';
  const words = commandLine.split('\0');
  const isOurs = (await directoriesOf(host, files)).some((directory) =>
    words.includes(runtimeFiles(directory).pid),
  );
  return isOurs ? host.processRef(pid) : undefined;
}

/** Where a machine's files are, and where they were when it was started. */
async function directoriesOf(host: Host, files: RuntimeFiles): Promise<string[]> {
  const origin = await host.files.readText(files.origin);
  return origin === undefined ? [files.directory] : [files.directory, origin];
}

/** What is no answer: EAGAIN is a QEMU that stands still, with others waiting before its door already. */
const noAnswer = new Set(['ECONNREFUSED', 'ENOENT', 'EAGAIN', 'conflict']);

/**
 * Opens QMP, uses it, closes it. QEMU serves one client at a time, so clients of several processes take turns by
 * a lock. `undefined` when QMP does not answer within `timeout` milliseconds.
 */
export async function withQmp<T>(
  host: Host,
  files: RuntimeFiles,
  options: { signal: AbortSignal; timeout: number; use: (qmp: Qmp) => Promise<T> },
): Promise<T | undefined> {
  const timedOut = Symbol('no answer');
  const limited = withDeadline({ signal: options.signal }, options.timeout, () => timedOut);
  try {
    const io = quietIo(limited.signal);
    const held = await host.lock(`${files.qmp}.lock`, io, {
      what: 'the control socket',
      wait: options.timeout,
    });
    try {
      const qmp = await connectQmp(host, files.qmp, limited.signal);
      try {
        return await options.use(qmp);
      } finally {
        qmp.close();
      }
    } finally {
      await held.release();
    }
  } catch (error) {
    options.signal.throwIfAborted();
    const code = (error as NodeJS.ErrnoException).code;
    if (error === timedOut || noAnswer.has(code ?? '')) return undefined;
    throw error;
  } finally {
    limited.dispose();
  }
}

/** The state of a machine from its process and QMP; a QEMU that lives but does not answer counts as running. */
export async function readState(
  host: Host,
  files: RuntimeFiles,
  signal: AbortSignal,
): Promise<Exclude<MachineState, { kind: 'absent' | 'broken' }>> {
  const process = await findQemu(host, files);
  if (process === undefined) return { kind: 'stopped' };
  const status = await withQmp(host, files, {
    signal,
    timeout: 2000,
    use: async (qmp) => (await qmp.execute('query-status')).status,
  });
  switch (status) {
    case 'paused':
    case 'io-error':
    case 'internal-error':
    case 'guest-panicked':
    // Its memory was kept, or is being kept.
    case 'finish-migrate':
    case 'postmigrate':
      return { kind: 'paused', process };
    case 'prelaunch':
    case 'inmigrate':
      return { kind: 'starting', process };
    default:
      return { kind: 'running', process, uptimeSeconds: await host.processAge(process) };
  }
}

/** Kills whatever still runs for this directory (QEMU, passt, virtiofsd) and removes it. */
export async function clearRuntime(
  host: Host,
  files: RuntimeFiles,
  signal: AbortSignal,
): Promise<void> {
  const directories = await directoriesOf(host, files);
  for (let attempt = 0; attempt < 100; attempt++) {
    const left: ProcessRef[] = [];
    for (const place of directories) left.push(...(await host.processesMentioning(`${place}/`)));
    if (left.length === 0) break;
    for (const process of left) await host.kill(process, attempt < 20 ? 'SIGTERM' : 'SIGKILL');
    await host.sleep(50, signal);
  }
  await host.files.remove(files.directory);
}

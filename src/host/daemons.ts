import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { DaemonOptions, FedDaemon, ProcessRef } from '../core/process.ts';
import { basicEnvironment } from './basic-environment.ts';
import { handedOn, withoutInherited } from './inherited.ts';
import { startTimeOf } from './processes.ts';
import { explainSpawn } from './programs.ts';

/** Starts a program in a session of its own that outlives this process; its output goes to a file. */
export async function startDaemon(
  argv: readonly string[],
  options: DaemonOptions,
): Promise<ProcessRef> {
  return (await launch(argv, options, [])).process;
}

/**
 * As `startDaemon`, with one end of a socket pair as the program's descriptor 3. Until `feed` sends the bytes, the death
 * of this process is the end of the stream there.
 */
export async function startFedDaemon(
  argv: readonly string[],
  options: DaemonOptions,
): Promise<FedDaemon> {
  const { process, child } = await launch(argv, options, ['pipe']);
  const socket = child.stdio[3] as Socket;
  // EPIPE: it has ended.
  socket.on('error', () => {});
  socket.unref();
  return {
    process,
    feed: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        socket.ref();
        socket.once('close', resolve);
        socket.end(bytes, () => socket.destroy());
      }),
  };
}

/** Whoever else writes there still does not leave a hole. */
const fresh = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;

async function launch(
  argv: readonly string[],
  options: DaemonOptions,
  more: readonly 'pipe'[],
): Promise<{ process: ProcessRef; child: ChildProcess }> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('startDaemon: empty argv');
  const log = openSync(options.logFile, fresh, 0o600);
  try {
    const child = spawn(program, args, {
      stdio: withoutInherited(
        ['ignore', log, log, ...more, ...handedOn(options.inherit, 3 + more.length)],
        log,
      ),
      detached: true,
      cwd: options.cwd ?? '/',
      env: { ...basicEnvironment(process.env), ...options.env },
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error: NodeJS.ErrnoException) => reject(explainSpawn(error, program)));
    });
    child.unref();
    // Until it is reaped a dead child is a zombie, which processRef counts as gone.
    const pid = child.pid as number;
    return { process: { pid, startTime: startTimeOf(pid) }, child };
  } finally {
    closeSync(log);
  }
}

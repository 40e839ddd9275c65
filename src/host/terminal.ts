import { connect } from 'node:net';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';

/** Ctrl-]: the byte that leaves a console, as telnet has it. */
const leave = 0x1d;

/** Joins standard input and output to a UNIX socket, raw, until Ctrl-], the end of either side, or the signal. */
export function joinTerminal(
  path: string,
  options: { io: Io; onJoined: () => void },
): Promise<void> {
  const { signal } = options.io;
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const { stdin, stdout } = process;
    const finish = () => {
      signal.removeEventListener('abort', finish);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      stdin.removeListener('data', onInput);
      socket.destroy();
      resolve();
    };
    const onInput = (chunk: Buffer) => {
      const end = chunk.indexOf(leave);
      if (end < 0) return void socket.write(chunk);
      socket.write(chunk.subarray(0, end));
      finish();
    };
    socket.once('connect', () => {
      if (stdin.isTTY) stdin.setRawMode(true);
      stdin.on('data', onInput);
      stdin.once('end', finish);
      socket.pipe(stdout, { end: false });
      signal.addEventListener('abort', finish, { once: true });
      options.onJoined();
    });
    socket.once('error', (cause) =>
      reject(
        new CloneboxError('conflict', 'the console cannot be reached', {
          cause,
          facts: { socket: path },
        }),
      ),
    );
    socket.once('close', finish);
  });
}

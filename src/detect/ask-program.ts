import type { DetectInput } from '../core/detect.ts';
import { reasonOf } from '../core/errors.ts';
import type { RunResult } from '../core/process.ts';
import { inTime, withDeadline } from '../lib/deadline.ts';
import { printable } from '../lib/printable.ts';

/** Milliseconds: a program that hangs must leave time to go on without it. */
const patience = 1000;
const longest = 8 * 1024 ** 2;

/** For programs that end with a failure when a part of what was asked for is not there. */
export interface AskOptions {
  readonly answers?: (result: RunResult) => boolean;
}

/**
 * What a program of this machine prints, in the language of scripts. `undefined` when it is not installed, and with a note
 * when it fails or hangs: looking goes on without it.
 */
export async function askProgram(
  input: DetectInput,
  [program, ...args]: readonly [string, ...string[]],
  { answers = ({ exitCode }) => exitCode === 0 }: AskOptions = {},
): Promise<string | undefined> {
  const { host, io, note } = input;
  const path = await host.which(program);
  if (path === undefined) return undefined;
  const longestRun = Math.round(patience * input.pace);
  using bounded = withDeadline(
    io,
    longestRun,
    () => new Error(`not finished after ${longestRun} ms: ended`),
  );
  try {
    // Not where the user is: that may be a project, whose files a program could obey.
    const options = {
      env: { LC_ALL: 'C.UTF-8', LANGUAGE: undefined },
      cwd: '/',
      maxBuffer: longest,
    };
    // One that does not hear SIGTERM is not waited for.
    const result = await inTime(host.run([path, ...args], bounded, options), bounded.signal);
    if (answers(result)) return result.stdout;
    const said = result.stderr.split('\n').find((line) => line.trim() !== '');
    const reason = said?.replace(/^\s*(error|E): */, '') ?? `status ${result.exitCode}`;
    note(`${program} failed: ${printable(reason, 100)}`);
  } catch (error) {
    io.signal.throwIfAborted();
    note(`${program}: ${printable(reasonOf(error), 100)}`);
  }
  return undefined;
}

import { CloneboxError } from '../core/errors.ts';

/** The signals that end a command, as one `AbortSignal`. */
export interface SignalWatch {
  readonly signal: AbortSignal;
  /** Lets signals end the process by themselves again. */
  dispose(): void;
}

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an abort, so that operations take back what they made. A second one is told
 * that this is going on; a third ends the process at once and leaves the rest to `clonebox recover`.
 */
export function watchSignals(tell: (text: string) => void): SignalWatch {
  const controller = new AbortController();
  let count = 0;
  const handle = (name: NodeJS.Signals) => {
    count += 1;
    const code = name === 'SIGINT' ? 'interrupted' : 'terminated';
    const error = new CloneboxError(code, code);
    if (count === 1) controller.abort(error);
    else if (count === 2) {
      tell('still cleaning up; once more ends at once and leaves the rest to the next command');
    } else process.exit(error.exitCode);
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, handle);
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of names) process.off(name, handle);
    },
  };
}

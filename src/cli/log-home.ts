import type { LogFile } from '../core/host.ts';
import { toJson } from './error-output.ts';
import type { LogLine, LogOutput, Threshold } from './log.ts';
import type { WriteLine } from './log-pino.ts';

/** The log in the state directory. */
export interface HomeLog extends LogOutput {
  /** Says where lines go; until then they wait. */
  open(file: LogFile): void;
  /** Returns when every line is in the file, and whether any is. */
  close(): Promise<boolean>;
}

/**
 * Writes lines to the log in the state directory. The first one loads what writes them; those that wait for it when the
 * process ends are written all the same. Makes the state directory only when an operation has begun: a line
 * `….started`. A log that cannot be written is told once by `warn`, and never stops a command.
 */
export function createHomeLog(options: {
  threshold: Threshold;
  warn: (error: unknown) => void;
}): HomeLog {
  let waiting: LogLine[] = [];
  let file: LogFile | undefined;
  let writeLine: WriteLine | undefined;
  let loading: Promise<void> | undefined;
  let create = false;
  let hasWritten = false;
  let hasWarned = false;

  const append = (text: string) => {
    try {
      if (file?.append(text, { create })) hasWritten = true;
    } catch (error) {
      if (!hasWarned) options.warn(error);
      hasWarned = true;
    }
  };
  const flush = (write: WriteLine) => {
    const lines = waiting;
    waiting = [];
    for (const line of lines) write(line);
  };
  const onExit = () =>
    flush(({ facts, ...head }) => append(`${toJson({ ...head, ...facts }, 0)}\n`));
  const load = async () => {
    process.on('exit', onExit);
    const { createPinoWriter } = await import('./log-pino.ts');
    writeLine = createPinoWriter(append);
    if (file !== undefined) flush(writeLine);
  };

  return {
    threshold: options.threshold,
    write: (line) => {
      if (line.level !== 'debug' && line.event.endsWith('.started')) create = true;
      waiting.push(line);
      if (writeLine !== undefined && file !== undefined) flush(writeLine);
      else loading ??= load();
    },
    open: (place) => {
      file = place;
      if (writeLine !== undefined) flush(writeLine);
    },
    close: async () => {
      await loading;
      process.off('exit', onExit);
      return hasWritten;
    },
  };
}

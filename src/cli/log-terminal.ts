import { logText } from '../lib/log-text.ts';
import type { Colors } from './colors.ts';
import { toJson } from './error-output.ts';
import type { LogOutput, Threshold } from './log.ts';

export interface TerminalLogOptions {
  readonly threshold: Threshold;
  /** A line for people, or a JSON object. */
  readonly format: 'pretty' | 'json';
  readonly colors: Colors;
  readonly write: (text: string) => void;
}

/** The log on standard error. */
export function createTerminalLog(options: TerminalLogOptions): LogOutput {
  const { threshold, format, colors, write } = options;
  return {
    threshold,
    write: (line) => {
      // The failure itself is shown at the end, as what it is.
      const isTold = line.level === 'error' && line.event.endsWith('.failed');
      if (isTold && threshold !== 'debug') return;
      const { facts, ...head } = line;
      write(
        format === 'json'
          ? `${toJson({ ...head, ...facts }, 0)}\n`
          : `${colors.dim(`${line.level} ${logText(line.event, facts)}`)}\n`,
      );
    },
  };
}

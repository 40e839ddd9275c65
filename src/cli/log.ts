import type { Log } from '../core/io.ts';
import { redactFacts } from '../lib/redact-deep.ts';

/** What each line weighs, least first. */
export const levels = ['debug', 'info', 'warn', 'error'] as const;

export type Level = (typeof levels)[number];

/** The least level that is let through. */
export type Threshold = Level | 'silent';

type Facts = Readonly<Record<string, unknown>>;

/** A line of the log, without secrets. */
export interface LogLine {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: Level;
  readonly event: string;
  /** What was bound first, then what the line itself tells. */
  readonly facts: Facts;
}

/** Where lines go. */
export interface LogOutput {
  readonly threshold: Threshold;
  write(line: LogLine): void;
}

/** The log of a command line. What no output wants costs nothing; secrets are taken out before any output sees a line. */
export function createLog(
  outputs: readonly LogOutput[],
  { now, bound }: { now: () => number; bound: Facts },
): Log {
  const at = (level: Level) => {
    const open = outputs.filter(({ threshold }) => lets(threshold, level));
    return (event: string, facts: Facts = {}) => {
      if (open.length === 0) return;
      const time = new Date(now()).toISOString();
      const line = { time, level, event, facts: redactFacts({ ...bound, ...facts }) };
      for (const output of open) output.write(line);
    };
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => createLog(outputs, { now, bound: { ...bound, ...more } }),
  };
}

function lets(threshold: Threshold, level: Level): boolean {
  return threshold !== 'silent' && levels.indexOf(level) >= levels.indexOf(threshold);
}

import type { Log } from '../core/io.ts';
import { readableLines } from '../lib/readable.ts';
import type { Colors } from './colors.ts';
import { toJson } from './error-output.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';
type Facts = Readonly<Record<string, unknown>>;

export interface LogOptions {
  /** `undefined` writes nothing. */
  readonly write: ((line: string) => void) | undefined;
  /** For people, or a JSON object a line. */
  readonly pretty: boolean;
  readonly colors: Colors;
  readonly now: () => number;
}

/** The log that `--verbose` shows. */
export function createLog(options: LogOptions, bound: Facts = {}): Log {
  const at =
    (level: Level) =>
    (event: string, facts: Facts = {}) => {
      if (options.write === undefined) return;
      const all = { ...bound, ...facts };
      options.write(
        `${options.pretty ? prettyLine(level, event, { facts: all, ...options }) : jsonLine(level, event, { facts: all, now: options.now })}\n`,
      );
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => createLog(options, { ...bound, ...more }),
  };
}

function prettyLine(
  level: Level,
  event: string,
  { facts, colors }: { facts: Facts; colors: Colors },
): string {
  const pairs = Object.entries(facts).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : oneLine(value)}`,
  );
  const text = readableLines([event, ...pairs].join(' ')).join(' ');
  return colors.dim(`${level} ${text}`);
}

function jsonLine(level: Level, event: string, rest: { facts: Facts; now: () => number }): string {
  const time = new Date(rest.now()).toISOString();
  return oneLine({ time, level, event, ...rest.facts });
}

function oneLine(value: unknown): string {
  return toJson(value, 0);
}

import { pino } from 'pino';
import type { LogLine } from './log.ts';

export type WriteLine = (line: LogLine) => void;

/**
 * Turns lines of the log into JSON lines. Loads pino, which is why it is loaded itself only when there is a line to
 * write. Levels, bound facts and secrets are settled before; no transport, because a worker would lose the last lines.
 */
export function createPinoWriter(append: (text: string) => void): WriteLine {
  let time = '';
  const logger = pino(
    {
      level: 'debug',
      base: null,
      timestamp: () => `,"time":"${time}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: append },
  );
  return (line) => {
    time = line.time;
    logger[line.level]({ event: line.event, ...line.facts });
  };
}

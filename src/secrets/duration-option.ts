import * as z from 'zod';
import { parseDuration } from '../lib/duration.ts';

/** A time limit of the options: `30s`, at most an hour; in milliseconds when it is parsed. `usual` is its default. */
export function durationOption(usual: string) {
  return z
    .string()
    .transform((text, context) => {
      try {
        const time = parseDuration(text);
        if (time >= 1 && time <= 3_600_000) return time;
        context.addIssue({ code: 'custom', message: 'must be between 1ms and 1h' });
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        context.addIssue({ code: 'custom', message: error.message });
      }
      return z.NEVER;
    })
    .prefault(usual);
}

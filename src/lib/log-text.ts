import { readableLines } from './readable.ts';

/** What every line of a command has in common, or is too long for a line: people find it in the JSON. */
const aside = ['operation', 'parent', 'correlation', 'command', 'pid', 'facts', 'stack'];

/** A line of the log for people: the event, then its facts as `key=value`. Safe for a terminal. */
export function logText(event: string, facts: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(facts)
    .filter(([key]) => !aside.includes(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return readableLines([event, ...pairs].join(' ')).join(' ');
}

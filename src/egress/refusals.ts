import { printable } from '../lib/printable.ts';

/** Bytes of refusals that are kept of one start: a guest can ask for ever. */
const most = 256 * 1024;

/** Writes a line for each refusal, up to a bound. What the guest wanted is the guest's word, and made printable. */
export function createRefusalLog(
  write: (line: string) => void,
  now: () => number,
): (wanted: string, reason: string) => void {
  let left = most;
  return (wanted, reason) => {
    if (left <= 0) return;
    const line = `${new Date(now()).toISOString()} refused ${printable(wanted, 300)}: ${reason}\n`;
    left -= line.length;
    write(line);
    if (left <= 0) write('More is not written down.\n');
  };
}

import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

declare const __VERSION__: string;

const helpWords = ['--help', '-h', 'help'];
const versionWords = ['--version', '-V'];

const argv = process.argv.slice(2);
if (!answeredAtOnce()) void import('./cli/cli.ts').then(({ main }) => main(argv));

/**
 * Answers a line that asks only for help or the version, and says whether it did. Nothing of the program is loaded
 * for it, not even Node's streams, which cost more than the answer: help was rendered when the program was built
 * (scripts/build.mjs).
 */
function answeredAtOnce(): boolean {
  try {
    const text = answer();
    if (text === undefined) return false;
    const written = writeSync(1, text);
    // A pipe that does not wait and is nearly full.
    if (written < text.length) process.stdout.write(text.subarray(written));
    return true;
  } catch {
    // help.txt is not there, the pipe is full, nobody reads: the long way knows what to do.
    return false;
  }
}

function answer(): Buffer | undefined {
  const asks = argv.filter((word) => word !== '--no-color');
  if (asks.every((word) => helpWords.includes(word)))
    return readFileSync(path.join(import.meta.dirname, 'help.txt'));
  if (asks.every((word) => versionWords.includes(word))) return Buffer.from(`${__VERSION__}\n`);
  return undefined;
}

import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { createSecret } from '../core/secret.ts';
import type { SecretDeps, SecretSource } from '../core/secrets.ts';
import { formatDuration } from '../lib/duration.ts';
import { shellQuote } from '../lib/quote.ts';
import type { CommandOptions } from './command-options.ts';

/** More than a secret may have, so that one that is too large is seen as such. */
const largestOutput = 2 * 1024 * 1024;

/**
 * What a program of the user's says, such as a password manager: its standard output, byte for byte, without the line
 * end at its end. It has no terminal and an empty standard input, and runs in the home directory. Any status but 0 is a
 * failure: a program's word for "there is none" cannot be told from "it did not work", so no secret is ever missing.
 */
export function openCommand(options: CommandOptions, { host }: SecretDeps): SecretSource {
  const [program = ''] = options.argv;
  return {
    where: `the command ${program}`,
    get: async (key, io) => createSecret(withoutLineEnd(await say(options, key, { host, io }))),
  };
}

async function say(
  { argv, timeout }: CommandOptions,
  key: string,
  { host, io }: { host: Host; io: Io },
): Promise<Uint8Array> {
  const words = argv.map((word) => filled(word, key));
  const [program = ''] = words;
  const line = words.map(shellQuote).join(' ');
  const hint = `See what it says: ${line}`;
  const facts = { argv: words };
  const chunks: Uint8Array[] = [];
  let size = 0;
  const onOutput = (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= largestOutput) chunks.push(chunk);
  };
  // The project's directory may hold files that a program obeys.
  const run = { cwd: host.user.home, timeout, onOutput, maxBuffer: 0 };
  const result = await host.run(words, io, run).catch((error: unknown) => {
    if (!isCloneboxError(error, 'deadline')) throw error;
    const message = `${program} did not say the secret ${key} within ${formatDuration(timeout)}`;
    throw new CloneboxError('deadline', message, { hint, facts });
  });
  // What it said is not passed on: it may be the secret, or half of it.
  if (result.exitCode !== 0) {
    const message = `${program} failed for the secret ${key}: it ended with ${result.exitCode}`;
    throw new CloneboxError('refused', message, {
      hint,
      facts: { ...facts, exitCode: result.exitCode },
    });
  }
  if (size <= largestOutput) return Buffer.concat(chunks);
  throw new CloneboxError('refused', `${program} said more than 2 MiB for the secret ${key}`, {
    hint,
    facts,
  });
}

/** A project chooses the key: it must not become another option or another place. */
function filled(word: string, key: string): string {
  if (!word.includes('{key}')) return word;
  const isOption = key.startsWith('-') && word.startsWith('{key}');
  const leads = key.split('/').includes('..') || key.startsWith('/');
  if (key === '' || /[\0\r\n]/.test(key) || isOption || leads) {
    throw new CloneboxError('refused', `the key ${JSON.stringify(key)} is not given to a program`, {
      hint: 'A key does not begin with - or /, has no .. between slashes, and is one line.',
      facts: { key },
    });
  }
  return word.replaceAll('{key}', () => key);
}

function withoutLineEnd(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) !== 0x0a) return bytes;
  return bytes.subarray(0, bytes.at(-2) === 0x0d ? -2 : -1);
}

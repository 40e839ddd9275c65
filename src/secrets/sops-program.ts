import { randomUUID } from 'node:crypto';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { shellQuote } from '../lib/quote.ts';
import { parseTree, type SopsFormat, type Tree } from './sops-file.ts';

const limit = 30_000;
/** A document with a few large secrets in it, as JSON. */
const largestOutput = 16 * 1024 * 1024;

/** It takes the place of the token in the user's home too: whatever else a file may say to the program, it gets none. */
const noToken = { VAULT_TOKEN: 'none' };

/** Where sops says what went wrong: its exit codes (cmd/sops/codes). */
const problems: Readonly<Record<number, ['refused' | 'config-invalid', string]>> = {
  128: ['refused', 'none of your keys opens it'],
  51: ['config-invalid', 'it was changed by something else than SOPS'],
  52: ['config-invalid', 'it has no signature'],
};

/** What is decrypted, by which program. */
export interface SopsRun {
  readonly program: string;
  /** Of the file, as it was judged. */
  readonly text: string;
  /** What the file is called. */
  readonly path: string;
  readonly format: SopsFormat;
  /** Whether a Vault is asked for its key, which is one the user's token may go to. */
  readonly usesVault: boolean;
}

/**
 * What a file holds, by the sops program, which knows every kind of key. Fails with `refused` when no key opens it,
 * `config-invalid` when it was changed, `deadline` after 30 s, else `host-unable`. What sops says is not passed on: it
 * may quote the file.
 */
export async function runSops(
  { program, text, path, format, usesVault }: SopsRun,
  host: Host,
  io: Io,
): Promise<Tree> {
  const types = ['--input-type', format, '--output-type', 'json'];
  // The guest may write the project's file: the program gets what was judged, not what is there by now.
  const copy = `${await temporaryDirectory(host)}/clonebox-${randomUUID()}.sops`;
  await host.files.writeNew(copy, text);
  const argv = [program, '--decrypt', ...types, copy];
  const hint = `See what sops says: sops --decrypt ${shellQuote(path)}`;
  const facts = { path, program };
  const result = await host
    .run(argv, io, { timeout: limit, maxBuffer: largestOutput, env: usesVault ? {} : noToken })
    .catch((error: unknown) => {
      if (!isCloneboxError(error, 'deadline')) throw error;
      throw new CloneboxError('deadline', `sops did not decrypt ${path} within 30 s`, {
        hint,
        facts,
      });
    })
    .finally(() => host.files.remove(copy));
  if (result.exitCode === 0) return parseTree(result.stdout, `what sops makes of ${path}`);
  const [code, reason] = problems[result.exitCode] ?? [
    'host-unable',
    `sops ended with ${result.exitCode}`,
  ];
  throw new CloneboxError(code, `${path} cannot be decrypted: ${reason}`, {
    hint,
    facts: { ...facts, exitCode: result.exitCode },
  });
}

/** In memory, where there is one. */
async function temporaryDirectory({ env, files }: Host): Promise<string> {
  for (const path of [env.XDG_RUNTIME_DIR, env.TMPDIR]) {
    if (path?.startsWith('/') && (await files.realPath(path)) !== undefined) return path;
  }
  return '/tmp';
}

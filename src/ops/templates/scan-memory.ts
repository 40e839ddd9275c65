import type { Ctx } from '../../core/ctx.ts';
import type { Extent } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import { publicKeys } from './public-keys.ts';

/** Bytes read at once; a key that lies across two reads is found by the overlap. */
const atOnce = 4 * 1024 * 1024;
const overlap = 4096;

/** Programs hold the bare words; what follows them makes it a key, after headers where it is encrypted the old way. */
const privateKey =
  /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\r?\n(?:(?:[A-Za-z-]{1,40}: [^\r\n]{0,200}\r?\n){1,8}\r?\n)?([A-Za-z0-9+/=]{40,64})/g;

/**
 * Looks for private keys in the written parts of a kept memory. Fails with `guest-failed` when there is one: then somebody
 * put it into the template.
 */
export async function scanMemory(
  { host, io }: Ctx,
  path: string,
  written: readonly Extent[],
): Promise<void> {
  const file = await host.files.open(path);
  if (file === undefined) throw new Error(`there is no ${path}`);
  try {
    const buffer = Buffer.alloc(atOnce + overlap);
    for (const { from, length } of written) {
      for (let done = 0; done < length; done += atOnce) {
        io.signal.throwIfAborted();
        const wanted = Math.min(atOnce + overlap, length - done);
        const read = await file.read(buffer.subarray(0, wanted), from + done);
        if (holdsKey(buffer.subarray(0, read))) {
          throw new CloneboxError(
            'guest-failed',
            "there is a private key in the template's memory",
            {
              hint: 'A provisioning step makes or reads one: do that in post_commands, or use --no-template',
            },
          );
        }
      }
    }
  } finally {
    await file.close();
  }
}

function holdsKey(part: Buffer): boolean {
  if (!part.includes('PRIVATE KEY-----')) return false;
  const found = [...part.toString('latin1').matchAll(privateKey)];
  // What begins in the overlap is whole in the next read.
  const keys = found.filter(({ index }) => index < atOnce);
  return !keys.every(([, firstLine = '']) => publicKeys.has(firstLine));
}

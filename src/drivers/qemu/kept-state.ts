import { createHash } from 'node:crypto';

const digestBytes = 32;

/** The bytes with their SHA-256 after them: QEMU's state has no checksum, and a damaged one may well run. */
export async function* sealState(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  yield hash.digest();
}

/** The state in what `sealState` made; `undefined` when a bit of it is not as it was. */
export function unsealState(sealed: Uint8Array): Uint8Array | undefined {
  const state = sealed.subarray(0, Math.max(0, sealed.length - digestBytes));
  const digest = createHash('sha256').update(state).digest();
  return digest.equals(sealed.subarray(state.length)) ? state : undefined;
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sealState, unsealState } from './kept-state.ts';

async function seal(...chunks: Uint8Array[]): Promise<Uint8Array> {
  const sealed: Uint8Array[] = [];
  const source = (async function* () {
    yield* chunks;
  })();
  for await (const chunk of sealState(source)) sealed.push(chunk);
  return Buffer.concat(sealed);
}

test('a state comes back as it was, in whatever pieces it came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array()), async (chunks) => {
      const state = unsealState(await seal(...chunks));
      expect(state && Buffer.concat(chunks).equals(state)).toBe(true);
    }),
  );
});

test('one that was cut, or has one bit that is another, is not taken', async () => {
  const state = fc.uint8Array({ minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(state, fc.nat(), fc.nat(7), async (bytes, place, bit) => {
      const sealed = await seal(bytes);
      const at = place % sealed.length;
      expect(unsealState(sealed.subarray(0, at))).toBeUndefined();
      const flipped = sealed.map((byte, index) => (index === at ? byte ^ (1 << bit) : byte));
      expect(unsealState(flipped)).toBeUndefined();
    }),
  );
});

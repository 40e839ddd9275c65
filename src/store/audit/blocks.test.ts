import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OpenFile } from '../../core/host.ts';
import { type Block, blocksBackward, blocksForward, linesOf } from './blocks.ts';
import { matchingSpans } from './match.ts';

/** A file that is only in memory. */
function fileOf(bytes: Buffer): OpenFile {
  return {
    size: async () => bytes.length,
    read: async (into, offset) => bytes.copy(into, 0, offset, offset + into.length),
    close: async () => {},
  };
}

const texts = (block: Block) => [...linesOf(block)].map((line) => line.toString('utf8'));

const line = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', '"', 'ü') });
const lines = fc.array(line, { maxLength: 30 });
/** A block is at least as long as a line. */
const blockSize = fc.integer({ min: 25, max: 80 });
const torn = fc.string({ maxLength: 5, unit: fc.constantFrom('a', 'z') });

it('blocks have every line once, from either end, and not what is torn', () =>
  fc.assert(
    fc.asyncProperty(lines, torn, blockSize, async (all, end, size) => {
      const bytes = Buffer.from(all.map((one) => `${one}\n`).join('') + end);
      const backward: string[] = [];
      for await (const block of blocksBackward(fileOf(bytes), size)) {
        expect(bytes.subarray(block.offset).indexOf(block.bytes)).toBe(0);
        backward.unshift(...texts(block));
      }
      expect(backward).toEqual(all);
      const forward: string[] = [];
      const blocks = blocksForward(fileOf(bytes), size);
      let next = await blocks.next();
      for (; !next.done; next = await blocks.next()) {
        expect(bytes.subarray(next.value.offset).indexOf(next.value.bytes)).toBe(0);
        forward.push(...texts(next.value));
      }
      expect(forward).toEqual(all);
      expect(next.value.torn).toBe(end.length);
    }),
  ));

it('a torn end that is cut off while the file is read takes no line with it', async () => {
  const bytes = Buffer.from('one\ntwo\n');
  const file = { ...fileOf(bytes), size: async () => bytes.length + 5 };
  const backward: string[] = [];
  for await (const block of blocksBackward(file)) backward.unshift(...texts(block));
  expect(backward).toEqual(['one', 'two']);
  const forward: string[] = [];
  for await (const block of blocksForward(file)) forward.push(...texts(block));
  expect(forward).toEqual(['one', 'two']);
});

it('a line that is longer than a block ends nothing: those around it are there', () =>
  fc.assert(
    fc.asyncProperty(
      lines,
      lines,
      fc.integer({ min: 30, max: 200 }),
      async (before, after, size) => {
        const long = 'x'.repeat(3 * size);
        const bytes = Buffer.from([...before, long, ...after].map((one) => `${one}\n`).join(''));
        const backward: string[] = [];
        for await (const block of blocksBackward(fileOf(bytes), size))
          backward.unshift(...texts(block));
        expect(backward.filter((one) => !one.includes('x'))).toEqual([...before, ...after]);
        let forward = '';
        for await (const block of blocksForward(fileOf(bytes), size)) forward += block.bytes;
        expect(forward).toBe(bytes.toString());
      },
    ),
  ));

it('the lines that are found have one needle of each group, and no other line has', () =>
  fc.assert(
    fc.property(
      lines,
      fc.array(
        fc.array(fc.constantFrom('a', 'ab', 'bb', '"a', 'üb', 'zz'), {
          minLength: 1,
          maxLength: 3,
        }),
        {
          maxLength: 3,
        },
      ),
      (all, groups) => {
        const bytes = Buffer.from(all.map((one) => `${one}\n`).join(''));
        const needles = groups.map((group) => group.map((needle) => Buffer.from(needle)));
        const found = matchingSpans(bytes, needles).map(({ start, end }) =>
          bytes.toString('utf8', start, end),
        );
        const wanted = all.filter((one) =>
          groups.every((group) => group.some((needle) => one.includes(needle))),
        );
        expect(found).toEqual(wanted);
      },
    ),
    { numRuns: 300 },
  ));

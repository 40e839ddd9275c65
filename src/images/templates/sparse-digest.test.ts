import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { sparseDigest } from './sparse-digest.ts';

const host = createHost();
const directory = mkdtempSync(join(tmpdir(), 'cb-'));
const path = join(directory, 'ram');
afterAll(() => rmSync(directory, { recursive: true }));

const KiB = 1024;
const size = 300 * KiB + 5;
const digest = (written?: { from: number; length: number }[]) =>
  sparseDigest(host, quietIo(), { path, written });

it('is that of the blocks that are not zero, with their numbers', async () => {
  const memory = Buffer.alloc(size);
  memory.fill('x', 70 * KiB, 72 * KiB);
  memory.fill('y', size - 3);
  writeFileSync(path, memory);
  const hash = createHash('sha256');
  for (const number of [1, 4]) {
    hash.update(Buffer.from([number, 0, 0, 0, 0, 0, 0, 0]));
    hash.update(memory.subarray(number * 64 * KiB, (number + 1) * 64 * KiB));
  }
  expect(await digest()).toBe(hash.digest('hex'));
});

it('is the same whatever is said of the layout, as long as it is true', async () => {
  const part = fc.record({
    from: fc.integer({ min: 0, max: 74 }).map((page) => page * 4 * KiB),
    length: fc.integer({ min: 1, max: 9 }).map((pages) => pages * 4 * KiB),
    isZero: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
      const memory = Buffer.alloc(size);
      const written: { from: number; length: number }[] = [];
      let end = 0;
      for (const { from, length, isZero } of parts.sort((a, b) => a.from - b.from)) {
        if (from < end || from + length > size) continue;
        if (!isZero) memory.fill('z', from, from + length);
        written.push({ from, length });
        end = from + length;
      }
      writeFileSync(path, memory);
      expect(await digest(written)).toBe(await digest());
    }),
    { numRuns: 60 },
  );
});

it('is another when one byte is, or when it lies elsewhere', async () => {
  const found = new Set<string>();
  for (const at of [0, 1, 64 * KiB, 65 * KiB, 128 * KiB, size - 1]) {
    const memory = Buffer.alloc(size);
    memory[at] = 7;
    writeFileSync(path, memory);
    found.add(await digest());
  }
  expect(found.size).toBe(6);
});

it('of nothing is that of nothing, and of no file an error', async () => {
  writeFileSync(path, '');
  const empty = createHash('sha256').digest('hex');
  expect(await digest()).toBe(empty);
  truncateSync(path, 3 * 64 * KiB);
  expect(await digest()).toBe(empty);
  rmSync(path);
  await expect(digest()).rejects.toThrow('there is no');
});

it('ends with Ctrl-C', async () => {
  writeFileSync(path, 'x');
  const io = quietIo(AbortSignal.abort(new Error('stopped')));
  await expect(sparseDigest(host, io, { path })).rejects.toThrow('stopped');
});

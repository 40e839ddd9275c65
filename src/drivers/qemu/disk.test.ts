import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { createDisk, growDisk, measureDisk } from './disk.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/bin/${name}`, import.meta.url));
const hostWith = (name: string) => createHost({ PATH: fixture(name) });
const disk = () => ({ path: join(home, 'disk.qcow2'), base: undefined, size: 1 << 20 });

test('a disk that is half made when Ctrl-C comes is removed', async () => {
  const interrupt = new AbortController();
  const io = { ...quietIo(), signal: interrupt.signal };
  const made = createDisk(hostWith('slow-qemu-img'), disk(), io);
  await expect.poll(() => readdirSync(home), patient).toEqual(['disk.qcow2']);
  interrupt.abort(new Error('Ctrl-C'));

  await expect(made).rejects.toThrow('Ctrl-C');
  expect(readdirSync(home)).toEqual([]);
});

test('a full disk is a matter of this host, and leaves nothing', async () => {
  const made = createDisk(hostWith('full-qemu-img'), disk(), quietIo());
  await expect(made).rejects.toMatchObject({
    code: 'host-unable',
    hint: expect.stringContaining('Free some space'),
  });
  expect(readdirSync(home)).toEqual([]);
});

test.each([
  ['created', createDisk],
  ['grown', growDisk],
])('without qemu-img nothing is %s, and the package is named', async (_, action) => {
  const host = createHost({ PATH: home });
  const missing = { code: 'host-unable', hint: expect.stringContaining('qemu-utils') };
  await expect(action(host, disk(), quietIo())).rejects.toMatchObject(missing);
  await expect(measureDisk(host, disk().path, quietIo())).rejects.toMatchObject(missing);
  expect(readdirSync(home)).toEqual([]);
});

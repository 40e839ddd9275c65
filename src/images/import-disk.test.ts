import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { importDisk } from './import-disk.ts';

test.each([
  ['a backing file', 8, 1n],
  ['an external data file', 72, 4n],
])('qemu-img is not shown a disk that names %s', async (what, offset, value) => {
  const directory = mkdtempSync(join(tmpdir(), 'cb-'));
  const header = Buffer.alloc(104);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(value, offset);
  const file = join(directory, 'evil.qcow2');
  writeFileSync(file, header);
  const ran: (string | undefined)[] = [];
  const real = createHost();
  const run: Host['run'] = (argv, ...rest) => {
    ran.push(argv[0]);
    return real.run(argv, ...rest);
  };
  const host = { ...real, run, require: async (program: string) => program };
  const importing = importDisk(host, quietIo(), { file, name: 'evil', directory });
  await expect(importing).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining(what),
  });
  expect(ran).toEqual(['od']);
  rmSync(directory, { recursive: true });
});

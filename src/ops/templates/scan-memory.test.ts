import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createOperationBed } from '../../../test/fixtures/operation-bed.ts';
import { publicKeys } from './public-keys.ts';
import { scanMemory } from './scan-memory.ts';

const directory = mkdtempSync(join(tmpdir(), 'cb-'));
const file = join(directory, 'ram');
const bed = createOperationBed();
afterAll(() => {
  bed.remove();
  rmSync(directory, { recursive: true });
});

const chunk = 4 * 1024 ** 2;
const body = 'AbC+/0'.repeat(12);
const begin = (kind: string) => `-----BEGIN ${kind}PRIVATE KEY-----`;
const key = `${begin('OPENSSH ')}\n${body}\n`;

/** Scans a memory of some size that is empty but for a text at one place. */
function scan(text: string, at = 0, size = 3 * chunk + 12_345): Promise<void> {
  const memory = Buffer.alloc(size);
  memory.write(text, at, 'latin1');
  writeFileSync(file, memory);
  return scanMemory(bed.context(), file, [{ from: 0, length: size }]);
}

const found = { code: 'guest-failed', message: "there is a private key in the template's memory" };

describe('a kept memory is refused', () => {
  it.each(['', 'RSA ', 'EC ', 'DSA ', 'OPENSSH ', 'ENCRYPTED '])(
    'for a key of the kind "%s"',
    async (kind) => {
      await expect(scan(`${begin(kind)}\n${body}`, 77)).rejects.toMatchObject(found);
      await expect(scan(`${begin(kind)}\r\n${body}`, 77)).rejects.toMatchObject(found);
    },
  );

  it('for a key of the old form that is encrypted', async () => {
    const headers = 'Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n';
    await expect(scan(`${begin('RSA ')}\n${headers}${body}`)).rejects.toMatchObject(found);
  });

  it('wherever a key lies, across what is read at once too', async () => {
    const inside = [0, 1, 10, begin('OPENSSH ').length, key.length - 10, key.length];
    const places = inside.flatMap((before) => [chunk - before, 2 * chunk - before]);
    for (const at of [...places, 3 * chunk + 12_345 - key.length]) {
      await expect(scan(key, at), String(at)).rejects.toMatchObject(found);
    }
  });

  it('for a key in any of its parts, wherever they begin and end', async () => {
    const memory = Buffer.alloc(chunk);
    memory.write(key, 8192, 'latin1');
    writeFileSync(file, memory);
    const before = { from: 0, length: 4096 };
    for (const part of [
      { from: 4096, length: chunk - 4096 },
      { from: 8192, length: key.length },
      { from: 8192 - 4096, length: 4096 + key.length },
    ]) {
      const written = [before, part];
      await expect(scanMemory(bed.context(), file, written)).rejects.toMatchObject(found);
    }
    await scanMemory(bed.context(), file, [before]);
  });

  it('for a key among bytes that are no text', async () => {
    await expect(scan(`\xff\xfe\x00${key}\xff`, chunk - 20)).rejects.toMatchObject(found);
  });
});

describe('a kept memory is taken', () => {
  it.each([
    ['nothing', ''],
    ['the words that programs hold', `${begin('')}\0${begin('RSA ')}\0-----END PRIVATE KEY-----`],
    ['the words in a manual', `${begin('RSA ')}\n... the key ...\n-----END RSA PRIVATE KEY-----`],
    ['a public key', `-----BEGIN PUBLIC KEY-----\n${body}`],
    ['a certificate', `-----BEGIN CERTIFICATE-----\n${body}`],
  ])('with %s in it', async (_, text) => {
    await expect(scan(text, chunk - 10)).resolves.toBeUndefined();
  });

  it('with a key in it that a program brings along for its own tests, wherever it lies', async () => {
    for (const line of publicKeys) {
      const places = [0, 1, 30, 60, 90, 120].map((before) => chunk - before);
      for (const at of places) await scan(`${begin('EC ')}\n${line}\n${body}`, at);
      await expect(scan(`${begin('EC ')}\n${line}\n\0${key}`)).rejects.toMatchObject(found);
      await expect(scan(`${begin('EC ')}\n${line.slice(0, -1)}A\n`)).rejects.toMatchObject(found);
    }
  });

  it('when it is empty, or smaller than what is read at once', async () => {
    await expect(scan('', 0, 0)).resolves.toBeUndefined();
    await expect(scan('', 0, 100)).resolves.toBeUndefined();
  });
});

it('a memory that is not there is an error and no clean one', async () => {
  await expect(scanMemory(bed.context(), join(directory, 'none'), [])).rejects.toThrow(
    'there is no',
  );
});

it('Ctrl-C ends a scan', async () => {
  writeFileSync(file, '');
  truncateSync(file, 64 * chunk);
  const ctx = bed.context({ signal: AbortSignal.abort(new Error('stopped')) });
  const written = [{ from: 0, length: 64 * chunk }];
  await expect(scanMemory(ctx, file, written)).rejects.toThrow('stopped');
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decryptSops } from '../../src/secrets/sops-decrypt.ts';
import { formatOf, parseSopsFile, type Tree } from '../../src/secrets/sops-file.ts';

// Files that sops itself has encrypted, as its project publishes them (test/fixtures/sops/published/README.md).

const files = fileURLToPath(new URL('../fixtures/sops/published', import.meta.url));
const read = (name: string) => readFileSync(join(files, name), 'utf8');
const keys: Record<string, string> = JSON.parse(read('keys.json'));

function open(name: string, text = read(name)): Tree {
  const key = Buffer.from(keys[name] ?? '', 'hex');
  return plain(decryptSops(parseSopsFile(text, formatOf(name), name), key, name));
}

/** Bytes as text, maps as objects. */
function plain(node: Tree): unknown {
  if (node instanceof Uint8Array) return Buffer.from(node).toString('utf8');
  if (Array.isArray(node)) return node.map(plain);
  if (node instanceof Map) return Object.fromEntries([...node].map(([k, v]) => [k, plain(v)]));
  return node;
}

const bar = { foo: 'bar' };
const found: Record<string, unknown> = {
  'comments.enc.yaml': { lorem: 'ipsum', dolor: 'sit' },
  'example.json': expect.objectContaining({
    age: '25.4',
    address: expect.objectContaining({ city: 'New York', postalCode: '10021-3100' }),
    phoneNumbers: [
      { number: '212 555-1234', type: 'home' },
      { number: '646 555-4567', type: 'office' },
    ],
    anEmptyValue: '',
  }),
  'example.yaml': expect.objectContaining({
    myapp1: 't00m4nys3cr3tzupdated',
    app2: {
      db: { user: 'eve', password: 'c4r1b0u' },
      key: expect.stringMatching(/^-----BEGIN RSA PRIVATE KEY-----\n[\s\S]*\n$/),
    },
    number: '1234568000',
    somebooleans: ['true', 'false'],
    this: { is: { a: { nested: { value: 'with something secret in it' } } } },
    nested_unencrypted: { this: { is: { all: 'going to remain in clear text' } } },
  }),
  // The spaces are the file's own.
  'format.enc.env': { 'foo ': ' bar' },
  'format.enc.json': bar,
  'format.enc.yaml': bar,
};

describe('a file that sops has encrypted', () => {
  test.each(Object.keys(keys))('is opened, and its signature is right: %s', (name) => {
    expect(open(name)).toEqual(found[name]);
  });

  test('is refused when what stands open in it was changed', () => {
    const text = read('example.yaml').replace('remain in clear text', 'remain in plain text');
    expect(() => open('example.yaml', text)).toThrow('was changed by something else than SOPS');
  });

  test('is refused when one of its values is gone, or in another place', () => {
    const lines = read('example.yaml').split('\n');
    const at = lines.findIndex((line) => line.includes('- ENC['));
    const without = lines.toSpliced(at, 1).join('\n');
    const [first = '', second = ''] = lines.slice(at);
    const turned = lines.toSpliced(at, 2, second, first).join('\n');
    for (const text of [without, turned])
      expect(() => open('example.yaml', text)).toThrow('was changed by something else than SOPS');
  });
});

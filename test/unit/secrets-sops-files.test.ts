import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { quietIo } from '../../src/core/quiet-io.ts';
import { openSops } from '../../src/secrets/sops.ts';
import { sopsOptions } from '../../src/secrets/sops-options.ts';
import { openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';

// Files that SOPS's own code has opened, and what it said is in them (test/fixtures/sops/README.md).

const files = fileURLToPath(new URL('../fixtures/sops', import.meta.url));
const read = (name: string) => readFileSync(join(files, name), 'utf8');

let world: SecretWorld;
beforeEach(() => {
  world = openSecretWorld();
  world.write(join(world.home, '.config/sops/age/keys.txt'), read('keys.txt'));
});
afterEach(() => world.close());

async function get(file: string, key: string): Promise<string | undefined> {
  world.write(file, read(file), 0o644);
  const provider = await openSops(sopsOptions.parse({ file }), world.deps);
  return (await provider.get(key, quietIo()))?.reveal();
}

/** Every value with its name from the top, in dots; a name with a dot in it as it is. */
function leaves(node: unknown, at = ''): [string, string][] {
  if (typeof node !== 'object' || node === null) return [[at, String(node)]];
  return Object.entries(node).flatMap(([name, inner]) =>
    leaves(inner, at === '' ? name : `${at}.${name}`),
  );
}

describe.each(['shop.yaml', 'shop.json', 'mac-only.yaml'])('what SOPS found in %s', (file) => {
  const all = leaves(parse(read(`opened/${file}`)));
  // Where only what is encrypted is signed, what is open is no secret, nor what is empty.
  const isSigned = ([name = '', value]: readonly string[]) =>
    file !== 'mac-only.yaml' || !(name.startsWith('open_') || value === '');
  const [signed, open] = [all.filter(isSigned), all.filter((one) => !isSigned(one))];

  test.each(signed)('is found, too: %s', async (key, value) => {
    expect(await get(file, key)).toBe(value);
  });

  test.runIf(open.length > 0).each(open)('is not taken: %s, which nobody signed', async (key) => {
    await expect(get(file, key)).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

describe('what SOPS found in shop.env', () => {
  const lines = read('opened/shop.env').trim().split('\n');
  const all = lines.map((line) => line.split(/=(.*)/s).slice(0, 2));

  test.each(all)('is found, too: %s', async (key = '', value = '') => {
    expect(await get('shop.env', key)).toBe(value.replaceAll('\\n', '\n'));
  });
});

test('what SOPS does not take is not taken', async () => {
  await expect(get('tampered.yaml', 'top')).rejects.toMatchObject({ code: 'config-invalid' });
});

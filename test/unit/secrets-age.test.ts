import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { armor, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../../src/core/quiet-io.ts';
import { openAge } from '../../src/secrets/age.ts';
import { ageOptions } from '../../src/secrets/age-options.ts';
import { secretContract } from '../contracts/secret-contract.ts';
import { asText, inDotenv, openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';

let identity: string;
let recipient: string;
beforeAll(async () => {
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

async function encrypt(text: string | Uint8Array, to = recipient): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(to);
  return encrypter.encrypt(text);
}

const keysFile = (home: string) => join(home, '.config/age/keys.txt');

secretContract('age', async () => {
  const world = openSecretWorld();
  const keys = world.write(keysFile(world.home), `# mine\n\n${identity}\n`);
  let lines = '';
  return {
    deps: world.deps,
    options: {},
    put: async (key, value) => {
      const text = asText(value);
      if (text === undefined) return false;
      lines += `${key}=${inDotenv(text)}\n`;
      world.write('.clonebox.secrets.age', await encrypt(lines), 0o644);
      return true;
    },
    breakDown: async () => {
      chmodSync(keys, 0o644);
      return 'refused';
    },
    close: world.close,
  };
});

let world: SecretWorld;
beforeEach(async () => {
  world = openSecretWorld();
  world.write(keysFile(world.home), identity);
  world.write('.clonebox.secrets.age', await encrypt('ONE=of age\n'));
});
afterEach(() => world.close());

const get = async (key: string, options: object = {}) =>
  (await (await openAge(ageOptions.parse(options), world.deps)).get(key, quietIo()))?.reveal();

describe('a file of age', () => {
  test('may be armored', async () => {
    world.write('armored.age', armor.encode(await encrypt('ONE=in armor')));
    expect(await get('ONE', { file: 'armored.age' })).toBe('in armor');
  });

  test('that is not there, none, damaged or no list of variables is said, without its content', async () => {
    const bad = { code: 'config-invalid' };
    await expect(get('ONE', { file: 'nowhere.age' })).rejects.toMatchObject(bad);
    world.write('plain.age', 'ONE=plain\n');
    await expect(get('ONE', { file: 'plain.age' })).rejects.toMatchObject(bad);
    const cut = await encrypt(`ONE=${'x'.repeat(1000)}`);
    world.write('cut.age', cut.subarray(0, -100));
    await expect(get('ONE', { file: 'cut.age' })).rejects.toMatchObject({
      ...bad,
      message: expect.stringContaining('is damaged'),
    });
    world.write('broken-armor.age', '-----BEGIN AGE ENCRYPTED FILE-----\n!!!\n');
    await expect(get('ONE', { file: 'broken-armor.age' })).rejects.toMatchObject(bad);
    world.write('lines.age', await encrypt('ONE=1\nhunter2hunter2'));
    const error = await get('ONE', { file: 'lines.age' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ ...bad, message: expect.stringContaining('lines.age:2:') });
    expect(inspect(error)).not.toContain('hunter2');
    world.write('bytes.age', await encrypt(Uint8Array.from([0x41, 0x3d, 0xff])));
    await expect(get('ONE', { file: 'bytes.age' })).rejects.toMatchObject(bad);
  });

  test('for somebody else is refused', async () => {
    const other = await identityToRecipient(await generateIdentity());
    world.write('other.age', await encrypt('ONE=1', other));
    await expect(get('ONE', { file: 'other.age' })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('does not open'),
    });
  });
});

describe('the identity', () => {
  test('is of the options, else of AGE_IDENTITY, else age/keys.txt; any of several may open', async () => {
    const others = `${await generateIdentity()}\n${await generateIdentity()}\n`;
    world.write(keysFile(world.home), others);
    await expect(get('ONE')).rejects.toMatchObject({ code: 'refused' });
    world.write(keysFile(world.home), `${others}${identity}\n`);
    expect(await get('ONE')).toBe('of age');
    world.env.XDG_CONFIG_HOME = join(world.home, 'elsewhere');
    await expect(get('ONE')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('elsewhere/age/keys.txt'),
    });
    world.env.AGE_IDENTITY = world.write(join(world.home, 'key'), identity);
    expect(await get('ONE')).toBe('of age');
    world.write('bad', others);
    await expect(get('ONE', { identity: 'bad' })).rejects.toMatchObject({ code: 'refused' });
  });

  test('that is none is said by its line, and never quoted', async () => {
    const wrong = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`;
    for (const [text, words] of [
      [`# a\n${wrong}`, 'has no age identity in line 2'],
      ['AGE-PLUGIN-YUBIKEY-1QQQQQQ', 'has no age identity in line 1'],
      ['# nothing\n', 'has no age identity'],
      [armor.encode(await encrypt(identity)), 'is itself encrypted'],
    ] as const) {
      world.write(keysFile(world.home), text);
      const error = await get('ONE').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'config-invalid',
        message: expect.stringContaining(words),
      });
      expect(inspect(error, { depth: 9 })).not.toMatch(
        /AGE-(SECRET-KEY-1|PLUGIN-YUBIKEY)[A-Z0-9]{5}/,
      );
    }
  });

  test('that others may read is refused, with what closes it', async () => {
    chmodSync(keysFile(world.home), 0o640);
    await expect(get('ONE')).rejects.toMatchObject({
      code: 'refused',
      hint: `Close it to them: chmod 600 ${keysFile(world.home)}`,
    });
  });
});

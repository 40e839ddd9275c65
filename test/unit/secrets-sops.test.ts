import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { quietIo } from '../../src/core/quiet-io.ts';
import { openSops } from '../../src/secrets/sops.ts';
import { sopsOptions } from '../../src/secrets/sops-options.ts';
import { secretContract } from '../contracts/secret-contract.ts';
import { asText, openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';
import { encryptSops, encryptSopsLines, type Plain } from '../fixtures/sops-encrypter.ts';

const programs = fileURLToPath(new URL('../fixtures/bin/fake-sops', import.meta.url));

let identity: string;
let recipient: string;
beforeAll(async () => {
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

const keysFile = (home: string) => join(home, '.config/sops/age/keys.txt');

secretContract('sops', async () => {
  const world = openSecretWorld();
  const keys = world.write(keysFile(world.home), identity);
  const data: Record<string, string> = {};
  return {
    deps: world.deps,
    options: {},
    put: async (key, value) => {
      const text = asText(value);
      if (text === undefined) return false;
      data[key] = text;
      const { encrypted, sops } = await encryptSops(data, { recipient });
      world.write('.clonebox.secrets.yaml', stringify({ ...encrypted, sops }), 0o644);
      return true;
    },
    breakDown: async () => {
      chmodSync(keys, 0o644);
      return 'refused';
    },
    close: world.close,
  };
});

/** A file that only the stand-in for the program can open. */
function fake(data: object, mood = 'fine', more: object = {}): string {
  const document = Buffer.from(JSON.stringify(data)).toString('base64');
  const sops = { mac: 'ENC', lastmodified: '2026-01-02T03:04:05Z', mood: `fake-${mood}`, ...more };
  return `fake: ${document}\n${stringify({ sops })}`;
}

describe('with the sops program,', () => {
  secretContract('sops', async () => {
    const world = openSecretWorld();
    world.env.PATH = `${programs}:/usr/bin:/bin`;
    const data: Record<string, string> = {};
    const write = (mood: string) => world.write('.clonebox.secrets.yaml', fake(data, mood));
    return {
      deps: world.deps,
      options: {},
      put: async (key, value) => {
        const text = asText(value);
        if (text === undefined) return false;
        data[key] = text;
        write('fine');
        return true;
      },
      breakDown: async () => {
        write('no-key');
        return 'refused';
      },
      stall: async () => {
        write('slow');
      },
      close: world.close,
    };
  });
});

let world: SecretWorld;
beforeEach(() => {
  world = openSecretWorld();
  world.write(keysFile(world.home), identity);
});
afterEach(() => world.close());

const get = async (key: string, options: object = {}) =>
  (await (await openSops(sopsOptions.parse(options), world.deps)).get(key, quietIo()))?.reveal();

const data: { [name: string]: Plain } = {
  top: 'at the top',
  'a.b': 'a name with a dot',
  db: { password: 'deep', port: 5432, ratio: 0.5, on: true, off: false, none: null, empty: '' },
  list: ['first', { name: 'second' }, 3],
  open_unencrypted: { text: 'in the open', port: 80, on: true, share: 0.25 },
};

async function write(file: string, options: Partial<Parameters<typeof encryptSops>[1]> = {}) {
  const { encrypted, sops } = await encryptSops(data, { recipient, ...options });
  const content = { ...encrypted, sops };
  const isJson = file.endsWith('.json');
  return world.write(file, isJson ? JSON.stringify(content, null, '\t') : stringify(content));
}

describe.each(['s.yaml', 's.yml', 's.json'])('of %s', (file) => {
  test('values are found by dots, numbers and truths as texts', async () => {
    await write(file);
    const found = async (key: string) => get(key, { file });
    expect(await found('top')).toBe('at the top');
    expect(await found('a.b')).toBe('a name with a dot');
    expect(await found('db.password')).toBe('deep');
    expect(await found('db.port')).toBe('5432');
    expect(await found('db.ratio')).toBe('0.5');
    expect(await found('db.on')).toBe('true');
    expect(await found('db.off')).toBe('false');
    expect(await found('db.none')).toBe('');
    expect(await found('db.empty')).toBe('');
    expect(await found('list.0')).toBe('first');
    expect(await found('list.1.name')).toBe('second');
    expect(await found('list.2')).toBe('3');
    expect(await found('open_unencrypted.text')).toBe('in the open');
    expect(await found('open_unencrypted.port')).toBe('80');
    for (const key of [
      'nothing',
      'db.nothing',
      'list.3',
      'list.-1',
      'list.x',
      'top.x',
      'sops',
      '',
    ]) {
      expect(await found(key), key).toBeUndefined();
    }
    await expect(found('db')).rejects.toMatchObject({ code: 'config-invalid' });
    await expect(found('list')).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test.each([
    ['a value that was never encrypted', { extra: 'put there' }],
    ['a value that was encrypted for another name', undefined],
  ])('a change is seen: %s', async (_, more) => {
    await write(file, {
      tamper: (encrypted) => {
        if (more) Object.assign(encrypted, more);
        else encrypted.top = (encrypted.db as { password: Plain }).password;
      },
    });
    await expect(get('a.b', { file })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('was changed by something else than SOPS'),
    });
  });

  test('a value that is left out, and one that is in another place of its list, are seen', async () => {
    for (const tamper of [
      (encrypted: { [name: string]: Plain }) => void delete encrypted.top,
      (encrypted: { [name: string]: Plain }) => void (encrypted.list as Plain[]).reverse(),
      (encrypted: { [name: string]: Plain }) => Object.assign(encrypted, { open_unencrypted: 'x' }),
    ]) {
      await write(file, { tamper });
      await expect(get('a.b', { file })).rejects.toMatchObject({ code: 'config-invalid' });
    }
  });
});

test('lines of NAME=VALUE are a format too, with new lines in values', async () => {
  const lines = { ONE: 'one = "two"', MANY: 'first\nlast\n', EMPTY: '' };
  world.write('s.env', await encryptSopsLines(lines, { recipient }));
  const file = { file: 's.env' };
  expect(await get('ONE', file)).toBe(lines.ONE);
  expect(await get('MANY', file)).toBe(lines.MANY);
  expect(await get('EMPTY', file)).toBe('');
  expect(await get('sops_mac', file)).toBeUndefined();
  world.write('other', await encryptSopsLines(lines, { recipient }));
  await expect(get('ONE', { file: 'other' })).rejects.toMatchObject({ code: 'config-invalid' });
  expect(await get('ONE', { file: 'other', format: 'dotenv' })).toBe(lines.ONE);
});

test('whole numbers are exact, however long', async () => {
  world.env.PATH = `${programs}:/usr/bin:/bin`;
  const document = Buffer.from('{"id": 12345678901234567890}').toString('base64');
  world.write('s.yaml', fake({}).replace(/^fake: .*$/m, `fake: ${document}`));
  expect(await get('id', { file: 's.yaml' })).toBe('12345678901234567890');
});

test('where only encrypted values are signed, others are no secrets', async () => {
  await write('s.yaml', { macOnlyEncrypted: true });
  expect(await get('top', { file: 's.yaml' })).toBe('at the top');
  await expect(get('open_unencrypted.text', { file: 's.yaml' })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('is not encrypted, nor signed'),
  });
});

describe('a file', () => {
  test('that is not there, not of SOPS, or of several documents is said, without its content', async () => {
    const file = 's.yaml';
    await expect(get('top')).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('.clonebox.secrets.yaml is not there'),
    });
    for (const text of [
      'hunter2: x',
      '- hunter2',
      'hunter2: [',
      '',
      'a: 1\n---\nb: 2',
      'a: *x',
      '&a [*a]',
    ]) {
      world.write(file, text);
      const error = await get('top', { file }).catch((thrown: unknown) => thrown);
      expect(error, text).toMatchObject({ code: 'config-invalid' });
      expect(inspect(error)).not.toContain('hunter2');
    }
    await expect(get('top', { file: 'secrets.txt' })).rejects.toMatchObject({
      code: 'config-invalid',
    });
  });

  test('in the project stays in it; elsewhere it is the user’s', async () => {
    await expect(get('top', { file: '../s.yaml' })).rejects.toMatchObject({ code: 'refused' });
    const outside = await write(join(world.home, 's.yaml'));
    expect(await get('top', { file: outside })).toBe('at the top');
    expect(await get('top', { file: '~/s.yaml' })).toBe('at the top');
  });
});

describe('without the program,', () => {
  test('keys are of SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, then sops/age/keys.txt', async () => {
    await write('s.yaml');
    const other = await generateIdentity();
    world.write(keysFile(world.home), other);
    await expect(get('top', { file: 's.yaml' })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`it is not for ${keysFile(world.home)}`),
    });
    world.env.SOPS_AGE_KEY_FILE = world.write(join(world.home, 'key'), `${other}\n${identity}`);
    expect(await get('top', { file: 's.yaml' })).toBe('at the top');
    world.env.SOPS_AGE_KEY_FILE = join(world.home, 'nothing');
    world.env.SOPS_AGE_KEY = identity;
    expect(await get('top', { file: 's.yaml' })).toBe('at the top');
    world.env.SOPS_AGE_KEY = 'AGE-SECRET-KEY-1WRONG';
    const error = await get('top', { file: 's.yaml' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'config-invalid' });
    expect(inspect(error, { depth: 9 })).not.toContain('1WRONG');
  });

  test('a key that is not of age needs it', async () => {
    const sops = { pgp: [{ enc: 'x' }], mac: 'ENC', lastmodified: '2026-01-02T03:04:05Z' };
    world.write('s.yaml', stringify({ top: 'ENC', sops }));
    await expect(get('top', { file: 's.yaml' })).rejects.toMatchObject({
      code: 'host-unable',
      hint: expect.stringContaining('Install the sops program'),
    });
    const { encrypted, sops: mine } = await encryptSops({ a: 'b' }, { recipient });
    const groups = {
      ...mine,
      age: [],
      key_groups: [{ age: mine.age }, { age: [...structuredClone(mine.age)] }],
    };
    world.write('s.yaml', stringify({ ...encrypted, sops: groups }));
    await expect(get('a', { file: 's.yaml' })).rejects.toMatchObject({ code: 'host-unable' });
    const group = { ...mine, age: [], key_groups: [{ age: mine.age }] };
    world.write('s.yaml', stringify({ ...encrypted, sops: group }));
    expect(await get('a', { file: 's.yaml' })).toBe('b');
  });
});

describe('the program', () => {
  beforeEach(() => {
    world.env.PATH = `${programs}:/usr/bin:/bin`;
    world.env.TMPDIR = world.home;
  });
  const content = { db: { password: 'deep' }, list: [1.5, true, null] };

  test('says what is in the file, and nothing of it stays', async () => {
    world.write('.clonebox.secrets.yaml', fake(content));
    expect(await get('db.password')).toBe('deep');
    expect(await get('list.0')).toBe('1.5');
    expect(await get('list.1')).toBe('true');
    expect(readdirSync(world.home).filter((name) => name.endsWith('.sops'))).toEqual([]);
  });

  test.each([
    ['no-key', 'refused', 'none of your keys opens it'],
    ['changed', 'config-invalid', 'it was changed by something else than SOPS'],
    ['broken', 'host-unable', 'sops ended with 1'],
    ['strange', 'config-invalid', 'is not a map'],
  ])('that ends in %s is %s, and what it said is not told', async (mood, code, words) => {
    world.write('.clonebox.secrets.yaml', fake(content, mood));
    const error = await get('db.password').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(inspect(error, { depth: 9 })).not.toContain('deep');
    expect(readdirSync(world.home).filter((name) => name.endsWith('.sops'))).toEqual([]);
  });

  test('is not sent to a Vault that only the file names: it would bring the token', async () => {
    const vault = {
      hc_vault: [{ vault_address: 'https://vault.example.org:8200', key_name: 'k' }],
    };
    for (const more of [vault, { key_groups: [vault] }]) {
      world.write('.clonebox.secrets.yaml', fake(content, 'fine', more));
      delete world.env.VAULT_ADDR;
      await expect(get('db.password')).rejects.toMatchObject({ code: 'refused' });
      world.env.VAULT_ADDR = 'https://vault.example.org:8200/';
      expect(await get('db.password')).toBe('deep');
    }
  });

  test.each(['Vault_Address', 'VAULT_ADDRESS', 'vault_addre\u017f\u017f'])(
    'is not sent where only Go reads a name of a Vault: %s',
    async (name) => {
      world.env.VAULT_ADDR = 'https://vault.example.org:8200/';
      const strange = { hc_vault: [{ [name]: 'https://vault.example.org:8200', key_name: 'k' }] };
      world.write('.clonebox.secrets.yaml', fake(content, 'fine', strange));
      await expect(get('db.password')).rejects.toMatchObject({ code: 'refused' });
    },
  );

  test.each(['SOPS', 'Sops', '\u017fops', 'sop\u017f'])(
    'is not sent where only Go reads another part of its own: %s',
    async (name) => {
      world.write('.clonebox.secrets.yaml', `${name}: { hc_vault: [] }\n${fake(content)}`);
      await expect(get('db.password')).rejects.toMatchObject({ code: 'refused' });
    },
  );

  test.each(['\u0085', '\u2028', '\u2029', '\r', '\ufeff', '\u0007', '\u009b'])(
    'is not sent with a character that some take for the end of a line: %j',
    async (odd) => {
      const hidden = `# comment${odd}sops: { hc_vault: [{ vault_address: 'https://x' }] }\n`;
      world.write('.clonebox.secrets.yaml', `${hidden}${fake(content)}`);
      await expect(get('db.password')).rejects.toMatchObject({ code: 'refused' });
      world.write('.clonebox.secrets.yaml', fake(content).replaceAll('\n', '\r\n'));
      expect(await get('db.password')).toBe('deep');
    },
  );

  test('gives the program no token of Vault when the file has no Vault in it', async () => {
    world.env.PATH = `${world.home}:/usr/bin:/bin`;
    const tool = world.write(
      join(world.home, 'sops'),
      '#!/bin/sh\necho "{\\"t\\": \\"$VAULT_TOKEN\\"}"\n',
    );
    chmodSync(tool, 0o755);
    world.env.VAULT_ADDR = 'https://vault.example.org:8200';
    world.write('.clonebox.secrets.yaml', fake(content));
    expect(await get('t')).toBe('none');
    const hc_vault = [{ vault_address: 'https://vault.example.org:8200', key_name: 'k' }];
    world.write('.clonebox.secrets.yaml', fake(content, 'fine', { hc_vault }));
    expect(await get('t')).toBe('');
  });

  test('does not excuse an identity that others may read', async () => {
    world.write('.clonebox.secrets.yaml', fake(content));
    chmodSync(keysFile(world.home), 0o644);
    await expect(get('db.password')).rejects.toMatchObject({
      code: 'refused',
      hint: `Close it to them: chmod 600 ${keysFile(world.home)}`,
    });
  });
});

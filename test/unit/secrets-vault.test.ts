import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../../src/core/quiet-io.ts';
import { secretProviders } from '../../src/secrets/registry.ts';
import { openVault } from '../../src/secrets/vault.ts';
import { vaultOptions } from '../../src/secrets/vault-options.ts';
import { secretContract } from '../contracts/secret-contract.ts';
import { asText, openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';
import { startVault, type VaultServer } from '../fixtures/vault-server.ts';

secretContract('vault', async () => {
  const world = openSecretWorld();
  const vault = await startVault();
  world.env.VAULT_TOKEN = 'hvs.good-token';
  return {
    deps: world.deps,
    options: { address: vault.address },
    put: async (key, value) => {
      const text = asText(value);
      if (text === undefined) return false;
      vault.state.secrets.set(`secret/${key}`, { value: text });
      return true;
    },
    breakDown: async () => {
      vault.state.mood = 'sealed';
      return 'host-unable';
    },
    stall: async () => {
      vault.state.mood = 'slow';
    },
    close: async () => {
      await vault.close();
      await world.close();
    },
  };
});

let world: SecretWorld;
let vault: VaultServer;
beforeEach(async () => {
  world = openSecretWorld();
  vault = await startVault();
  world.env.VAULT_ADDR = vault.address;
  world.env.VAULT_TOKEN = 'hvs.good-token';
  vault.state.secrets.set('secret/app', { value: 'of the app', port: 5432, on: true, group: {} });
});
afterEach(async () => {
  await vault.close();
  await world.close();
});

const source = (options: object = {}) => openVault(vaultOptions.parse(options), world.deps);
const get = async (key: string, options: object = {}) =>
  (await (await source(options)).get(key, quietIo()))?.reveal();

describe('a key of vault', () => {
  test('is a path and a field, value by default; numbers and truths are texts', async () => {
    expect(await get('app')).toBe('of the app');
    expect(await get('app#port')).toBe('5432');
    expect(await get('app#on')).toBe('true');
    expect(await get('app#nothing')).toBeUndefined();
    expect(await get('app#constructor')).toBeUndefined();
    vault.state.secrets.set('secret/team/a b?c', { 'the#field': 'x' });
    await expect(get('app#group')).rejects.toMatchObject({ code: 'config-invalid' });
    vault.state.secrets.set('secret/team/a b?c', { field: 'x' });
    expect(await get('team/a b?c#field')).toBe('x');
  });

  test.each(['', '/app', 'app/', 'a//b', '../sys/seal', 'a/../../b', 'app#', './app'])(
    '%j is refused before anything is asked',
    async (key) => {
      await expect(get(key)).rejects.toMatchObject({ code: 'config-invalid' });
      expect(vault.requests).toEqual([]);
    },
  );
});

describe('the versions of kv', () => {
  test('are found out once, as the CLI does', async () => {
    const one = await source();
    await one.get('app', quietIo());
    await one.get('app#port', quietIo());
    expect(vault.requests).toEqual([
      'GET sys/internal/ui/mounts/secret/app',
      'GET secret/data/app',
      'GET secret/data/app',
    ]);
  });

  test('1 is read at its own path', async () => {
    for (const mount of [{ type: 'kv', version: '1' as const }, { type: 'generic' }]) {
      vault.state.mounts.set('secret', mount);
      expect(await get('app')).toBe('of the app');
      expect(await get('other')).toBeUndefined();
    }
  });

  test('need no question when the options say which', async () => {
    expect(await get('app', { kv: 2 })).toBe('of the app');
    vault.state.mounts.set('old', { type: 'kv', version: '1' });
    vault.state.secrets.set('old/app', { value: 'of the old app' });
    expect(await get('app', { kv: 1, mount: '/old/' })).toBe('of the old app');
    expect(vault.requests.filter((path) => path.includes('sys/'))).toEqual([]);
  });

  test('is 1 where Vault is too old to be asked', async () => {
    vault.state.hasPreflight = false;
    vault.state.mounts.set('secret', { type: 'generic' });
    expect(await get('app')).toBe('of the app');
  });

  test('of what is no key-value engine is an error', async () => {
    vault.state.mounts.set('secret', { type: 'pki' });
    await expect(get('app')).rejects.toMatchObject({
      code: 'config-invalid',
      message: 'the mount secret/ of Vault is pki, not kv',
    });
  });
});

describe('a secret that is not there', () => {
  test('is missing when its path has nothing, or only a deleted version', async () => {
    expect(await get('nothing/here')).toBeUndefined();
    vault.state.secrets.set('secret/gone', null);
    expect(await get('gone')).toBeUndefined();
  });

  test('is an error when the mount is not there, or of the other version', async () => {
    const kinds = { code: 'config-invalid', hint: expect.stringContaining('mount, kv') };
    await expect(get('app', { kv: 2, mount: 'nowhere' })).rejects.toMatchObject(kinds);
    await expect(get('app', { kv: 1 })).rejects.toMatchObject(kinds);
    await expect(get('app', { mount: 'nowhere' })).rejects.toMatchObject({ code: 'refused' });
  });

  test('is an error when something else than Vault says so', async () => {
    vault.state.mood = 'somebody-else';
    await expect(get('app')).rejects.toMatchObject({
      code: 'host-unable',
      message: `what answers at ${vault.address} is not Vault (404)`,
    });
  });
});

describe('Vault that cannot', () => {
  test.each([
    ['sealed', 'is sealed, or down for maintenance (503: Vault is sealed)'],
    ['uninitialized', 'is not initialized (501: Vault is not initialized)'],
    ['standby', 'is a standby, or has had too many requests (429: node is a standby)'],
    ['performance-standby', 'is a standby (473)'],
    ['failing', 'has failed (500: internal error)'],
  ] as const)('because it is %s says so', async (mood, words) => {
    vault.state.mood = mood;
    await expect(get('app')).rejects.toMatchObject({
      code: 'host-unable',
      message: `Vault at ${vault.address} ${words}`,
    });
  });

  test('because it is slow is given up in time', async () => {
    vault.state.mood = 'slow';
    await expect(get('app', { timeout: '150ms' })).rejects.toMatchObject({
      code: 'deadline',
      message: `Vault at ${vault.address} did not answer within 150ms`,
    });
  });

  test.each(['cut', 'not-json'] as const)('because its answer is %s', async (mood) => {
    vault.state.mood = mood;
    await expect(get('app', { kv: 2 })).rejects.toMatchObject({ code: 'host-unable' });
  });

  test('because nobody is there', async () => {
    await vault.close();
    await expect(get('app')).rejects.toMatchObject({
      code: 'host-unable',
      message: expect.stringContaining(`Vault at ${vault.address}`),
      hint: expect.stringContaining('VAULT_ADDR'),
    });
  });
});

describe('an answer that points elsewhere', () => {
  test('is followed on the same server', async () => {
    vault.state.redirect = '/elsewhere';
    await expect(get('app')).rejects.toMatchObject({
      code: 'host-unable',
      message: expect.stringContaining('without an end'),
    });
  });

  test('is not followed to another: it would get the token', async () => {
    const other = await startVault();
    other.state.secrets.set('secret/app', { value: 'of the other' });
    vault.state.redirect = other.address;
    await expect(get('app')).rejects.toMatchObject({
      code: 'refused',
      message: `Vault at ${vault.address} points to another server: ${other.address}`,
    });
    expect(other.requests).toEqual([]);
    await other.close();
  });
});

describe('the token', () => {
  test('comes from token_file, else VAULT_TOKEN, else ~/.vault-token', async () => {
    const told = async (options: object = {}) => {
      await get('app', { kv: 2, ...options }).catch(() => {});
      return vault.headers()['x-vault-token'];
    };
    world.write(join(world.home, '.vault-token'), 'hvs.of-the-home\n');
    world.write('token', 'hvs.of-the-file\n');
    expect(await told({ token_file: 'token' })).toBe('hvs.of-the-file');
    expect(await told()).toBe('hvs.good-token');
    world.env.VAULT_TOKEN = '';
    expect(await told()).toBe('hvs.of-the-home');
  });

  test('that is nowhere is said, with the ways to one', async () => {
    delete world.env.VAULT_TOKEN;
    await expect(get('app')).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('vault login'),
    });
    await expect(get('app', { token_file: 'token' })).rejects.toMatchObject({ code: 'refused' });
  });

  test('in a file that others may read is refused', async () => {
    delete world.env.VAULT_TOKEN;
    const path = world.write(join(world.home, '.vault-token'), 'hvs.good-token');
    chmodSync(path, 0o644);
    await expect(get('app')).rejects.toMatchObject({
      code: 'refused',
      hint: `Close it to them: chmod 600 ${path}`,
    });
  });

  test('that has expired is told from one that may not', async () => {
    vault.state.tokens.set('hvs.good-token', { may: [''], expired: true });
    await expect(get('app')).rejects.toMatchObject({
      code: 'refused',
      message: `the token for Vault at ${vault.address} is not valid, or not any more`,
      hint: expect.stringContaining('vault login'),
    });
    vault.state.tokens.set('hvs.good-token', { may: ['secret/data/other'] });
    await expect(get('app')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('does not let you read secret/data/app (403'),
      hint: expect.stringContaining('policy'),
    });
  });

  test('that is none is neither sent nor quoted', async () => {
    world.env.VAULT_TOKEN = 'hvs.with a space\nand a line';
    const error = await get('app').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'refused' });
    expect(inspect(error, { depth: 9 })).not.toContain('space\\nand');
    expect(vault.requests).toEqual([]);
  });

  test.each(['sealed', 'cut', 'not-json', 'failing', 'somebody-else', 'expired', 'gone'])(
    'is in no error: %s',
    async (what) => {
      if (what === 'expired') vault.state.tokens.clear();
      else if (what === 'gone') await vault.close();
      else vault.state.mood = what as VaultServer['state']['mood'];
      const error = await get('app').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      const told = inspect(error, { depth: 20, maxStringLength: null });
      expect(told).not.toContain('hvs.good-token');
    },
  );
});

describe('AppRole', () => {
  const approle = { role_id: 'role-1', secret_id_env: 'APP_SECRET_ID' };
  beforeEach(() => {
    delete world.env.VAULT_TOKEN;
    vault.state.tokens.set('hvs.of-the-role', { may: ['secret/'] });
    vault.state.roles.set('role-1', { secretId: 'the-secret-id', token: 'hvs.of-the-role' });
  });

  test('logs in once, with a secret_id from a variable or a file', async () => {
    world.env.APP_SECRET_ID = 'the-secret-id';
    const one = await source({ approle });
    expect((await one.get('app', quietIo()))?.reveal()).toBe('of the app');
    await one.get('app#port', quietIo());
    expect(vault.requests.filter((line) => line === 'PUT auth/approle/login')).toHaveLength(1);
    world.write('secret-id', 'the-secret-id\n');
    const file = { role_id: 'role-1', secret_id_file: 'secret-id' };
    expect(await get('app', { approle: file })).toBe('of the app');
  });

  test('that is turned down is refused, without the secret_id', async () => {
    world.env.APP_SECRET_ID = 'another-secret-id';
    const error = await get('app', { approle }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('(400: invalid role or secret ID)'),
    });
    expect(inspect(error, { depth: 20 })).not.toContain('another-secret-id');
    const elsewhere = { ...approle, mount: 'approle2' };
    await expect(get('app', { approle: elsewhere })).rejects.toMatchObject({ code: 'refused' });
  });

  test('without its secret_id asks nobody', async () => {
    await expect(get('app', { approle })).rejects.toMatchObject({
      code: 'refused',
      message: 'the variable APP_SECRET_ID with the secret_id is not set',
    });
    expect(vault.requests).toEqual([]);
  });

  test('never has its secret_id in the options', () => {
    expect(vaultOptions.safeParse({ approle: { role_id: 'a', secret_id: 'b' } }).success).toBe(
      false,
    );
    const both = { role_id: 'a', secret_id_env: 'A', secret_id_file: 'b' };
    expect(vaultOptions.safeParse({ approle: both }).success).toBe(false);
  });
});

test('a namespace is of the options, else VAULT_NAMESPACE', async () => {
  vault.state.tokens.set('hvs.good-token', { may: [''], namespace: 'team' });
  vault.state.secrets.set('team/secret/app', { value: 'of the team' });
  expect(await get('app', { namespace: 'team' })).toBe('of the team');
  world.env.VAULT_NAMESPACE = 'team';
  expect(await get('app')).toBe('of the team');
  expect((await source()).where).toBe(`Vault at ${vault.address}, mount secret, namespace team`);
  await expect(get('app', { namespace: 'other' })).rejects.toMatchObject({ code: 'refused' });
});

describe('the address', () => {
  test('is of the options, else VAULT_ADDR; nothing is looked for', async () => {
    const provider = secretProviders.find(({ name }) => name === 'vault');
    delete world.env.VAULT_ADDR;
    await expect(source()).rejects.toMatchObject({ code: 'config-invalid' });
    const empty = vaultOptions.parse({});
    expect(provider?.isConfigured(empty, world.env)).toBe(false);
    world.env.VAULT_ADDR = vault.address;
    expect(provider?.isConfigured(empty, world.env)).toBe(true);
    expect(provider?.isConfigured(undefined, world.env)).toBe(false);
  });

  test.each([
    'http://vault.example.org:8200',
    'http://localhost.example.org',
    'http://127.0.0.1.example.org',
    'ftp://vault.example.org',
    'https://user:password@vault.example.org',
    'https://vault.example.org/?x=1',
    'vault.example.org',
  ])('%s is refused', async (address) => {
    expect(vaultOptions.safeParse({ address }).success).toBe(false);
    world.env.VAULT_ADDR = address;
    await expect(source()).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

describe('a certificate of their own', () => {
  const tls = new URL('../fixtures/tls/', import.meta.url);
  const cert = readFileSync(new URL('ca.pem', tls), 'utf8');
  const key = readFileSync(new URL('key.pem', tls), 'utf8');

  test('is trusted when it is named, by the options or by VAULT_CACERT', async () => {
    const secure = await startVault({ cert, key });
    secure.state.secrets.set('secret/app', { value: 'over TLS' });
    world.env.VAULT_ADDR = secure.address;
    world.write('ca.pem', cert, 0o644);
    expect(await get('app', { ca_file: 'ca.pem' })).toBe('over TLS');
    await expect(get('app')).rejects.toMatchObject({
      code: 'host-unable',
      hint: expect.stringContaining('ca_file'),
    });
    world.env.VAULT_CACERT = world.write('ca.pem', cert, 0o644);
    expect(await get('app')).toBe('over TLS');
    secure.state.mood = 'slow';
    await expect(get('app', { timeout: '150ms' })).rejects.toMatchObject({ code: 'deadline' });
    await secure.close();
  });

  test('that is not there, or none, is said', async () => {
    await expect(source({ ca_file: 'ca.pem' })).rejects.toMatchObject({ code: 'config-invalid' });
    world.write('ca.pem', 'nothing of the kind');
    await expect(source({ ca_file: 'ca.pem' })).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

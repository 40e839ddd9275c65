import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../../src/core/quiet-io.ts';
import { openCommand } from '../../src/secrets/command.ts';
import { commandOptions } from '../../src/secrets/command-options.ts';
import { secretProviders } from '../../src/secrets/registry.ts';
import { secretContract } from '../contracts/secret-contract.ts';
import { openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';

const pass = fileURLToPath(new URL('../fixtures/bin/password-manager/pass', import.meta.url));

secretContract('command', async () => {
  const world = openSecretWorld();
  return {
    deps: world.deps,
    options: { argv: [pass, world.home, '{key}'] },
    put: async (key, value) => {
      world.write(join(world.home, key), Buffer.concat([value, Buffer.from('\n')]));
      return true;
    },
    breakDown: async () => {
      world.write(join(world.home, '.broken'), '');
      return 'refused';
    },
    stall: async () => {
      world.write(join(world.home, '.slow'), '');
    },
    close: world.close,
  };
});

let world: SecretWorld;
beforeEach(() => {
  world = openSecretWorld();
});
afterEach(() => world.close());

const get = async (key: string, options: object) =>
  (await openCommand(commandOptions.parse(options), world.deps).get(key, quietIo()))?.reveal();

test('a command is only ever of the user, never of a project', () => {
  expect(secretProviders.find(({ name }) => name === 'command')?.ownOnly).toBe(true);
});

describe('what a command says', () => {
  test.each([
    ['one', 'one'],
    ['one\\n', 'one'],
    ['one\\r\\n', 'one'],
    ['one\\n\\n', 'one\n'],
    ['\\n', ''],
    ['one\\r', 'one\r'],
  ])('%j is its secret without one line end', async (format, secret) => {
    expect(await get('KEY', { argv: ['printf', `${format}%.0s`, '{key}'] })).toBe(secret);
  });

  test('is read in the home directory, with an empty input', async () => {
    expect(await get('KEY', { argv: ['sh', '-c', 'cat; pwd', '{key}'] })).toBe(world.home);
  });

  test('may be as long as a secret may be, and is cut off by an error when it is far longer', async () => {
    const sized = (size: number) => ({ argv: ['head', '-c', `${size}`, '/dev/zero', '{key}'] });
    writeFileSync(join(world.home, 'KEY'), '');
    const size = 1024 * 1024;
    const one = { argv: ['sh', '-c', `head -c ${size} /dev/zero`, '{key}'] };
    expect((await get('KEY', one))?.length).toBe(size);
    await expect(get('KEY', sized(3 * size))).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('a key', () => {
  test('is one argument, whatever is in it', async () => {
    const key = `it's $(id) "a b" * {key} $& ; x`;
    expect(await get(key, { argv: ['printf', '%s|', 'name={key}', '{key}'] })).toBe(
      `name=${key}|${key}|`,
    );
  });

  test.each(['', '-rf', '--help', '/etc/passwd', '../x', 'a/../../x', 'a\nb', 'a\0b'])(
    '%j is not given to a program',
    async (key) => {
      const argv = ['printf', '%s', '{key}'];
      await expect(get(key, { argv })).rejects.toMatchObject({ code: 'refused' });
    },
  );
});

describe('a command that fails', () => {
  test('is refused with its status and how to see why, and tells nothing of what it said', async () => {
    const argv = ['sh', '-c', 'echo the-secret-value; echo the-secret-value >&2; exit 3', '{key}'];
    const error = await get('KEY', { argv }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'refused',
      message: 'sh failed for the secret KEY: it ended with 3',
    });
    const { stack, message, facts } = error as Error & { facts: { argv: string[] } };
    expect(facts.argv).toEqual([...argv.slice(0, 3), 'KEY']);
    expect(inspect([stack?.replace(message, ''), message])).not.toContain('the-secret-value');
  });

  test('is given up in time', async () => {
    const argv = ['sleep', '60', '{key}'];
    await expect(
      get('KEY', { argv: ['sh', '-c', 'sleep 60', '{key}'], timeout: '100ms' }),
    ).rejects.toMatchObject({
      code: 'deadline',
      message: 'sh did not say the secret KEY within 100ms',
    });
    await expect(get('KEY', { argv })).rejects.toMatchObject({ code: 'refused' });
  });

  test('because it is not installed says so', async () => {
    const argv = ['no-such-program', '{key}'];
    await expect(get('KEY', { argv })).rejects.toMatchObject({ code: 'host-unable' });
  });
});

test.each([
  [[]],
  [['pass']],
  [['pass', 'show']],
  [['{key}', 'x']],
  [['./pass', '{key}']],
  [['bin/pass', '{key}']],
  [['pass', '{key}\0']],
])('%j is no command', (argv) => {
  expect(commandOptions.safeParse({ argv }).success).toBe(false);
});

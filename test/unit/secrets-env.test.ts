import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Progress } from '../../src/core/io.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { openEnv } from '../../src/secrets/env.ts';
import { secretContract } from '../contracts/secret-contract.ts';
import { asText, inDotenv, openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';

secretContract('env', async () => {
  const world = openSecretWorld();
  let content = '';
  return {
    deps: world.deps,
    options: undefined,
    put: async (key, value) => {
      const text = asText(value);
      if (text === undefined) return false;
      content += `${key}=${inDotenv(text)}\n`;
      world.write('.clonebox.env', content);
      return true;
    },
    breakDown: async () => {
      chmodSync(join(world.project, '.clonebox.env'), 0o644);
      return 'refused';
    },
    close: world.close,
  };
});

let world: SecretWorld;
beforeEach(() => {
  world = openSecretWorld();
});
afterEach(() => world.close());

const get = async (key: string, io = quietIo()) =>
  (await openEnv(world.deps).get(key, io))?.reveal();

describe('the order of env', () => {
  test('is the environment, .clonebox.env, .env, and it says so', async () => {
    world.env.ONE = 'of the environment';
    world.write('.clonebox.env', 'ONE=second\nTWO=of .clonebox.env');
    world.write('.env', 'ONE=third\nTWO=third\nTHREE=of .env');
    expect(await get('ONE')).toBe('of the environment');
    expect(await get('TWO')).toBe('of .clonebox.env');
    expect(await get('THREE')).toBe('of .env');
    expect(await get('FOUR')).toBeUndefined();
    const { project } = world;
    expect(openEnv(world.deps).where).toBe(
      `the environment, then ${project}/.clonebox.env, then ${project}/.env`,
    );
  });

  test('needs no project', async () => {
    world.env.ONE = 'of the environment';
    const source = openEnv({ ...world.deps, project: undefined });
    expect((await source.get('ONE', quietIo()))?.reveal()).toBe('of the environment');
    expect(await source.get('TWO', quietIo())).toBeUndefined();
    expect(source.where).toBe('the environment');
  });

  test('ends at a value that is empty: it is there', async () => {
    world.env.ONE = '';
    world.write('.env', 'ONE=third');
    expect(await get('ONE')).toBe('');
  });

  test('takes nothing for a variable that only every object has', async () => {
    expect(await get('constructor')).toBeUndefined();
    expect(await get('__proto__')).toBeUndefined();
  });

  test('reads a file once, and not when the environment has it', async () => {
    world.env.ONE = 'of the environment';
    world.write('.clonebox.env', 'TWO=2', 0o644);
    const source = openEnv(world.deps);
    expect((await source.get('ONE', quietIo()))?.reveal()).toBe('of the environment');
    await expect(source.get('TWO', quietIo())).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('the files of env', () => {
  test('.clonebox.env that others may read is refused, with what closes it', async () => {
    const path = world.write('.clonebox.env', 'ONE=1');
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(path, mode);
      await expect(get('ONE')).rejects.toMatchObject({
        code: 'refused',
        hint: expect.stringContaining(`chmod 600 ${path}`),
      });
    }
  });

  test('.env that others may read is only noted', async () => {
    const path = world.write('.env', 'ONE=1');
    chmodSync(path, 0o644);
    const told: Progress[] = [];
    expect(await get('ONE', { ...quietIo(), emit: (one) => told.push(one) })).toBe('1');
    expect(told).toEqual([
      { kind: 'note', text: expect.stringContaining(`chmod 600 ${path}`) as string },
    ]);
  });

  test('a link that leads out of the project is refused', async () => {
    const outside = world.write(join(world.home, 'credentials'), 'ONE=1');
    symlinkSync(outside, join(world.project, '.env'));
    await expect(get('ONE')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(outside),
    });
  });

  test('what is no file, no text or no list of variables is said, and not its content', async () => {
    mkdirSync(join(world.project, '.env'));
    await expect(get('ONE')).rejects.toMatchObject({ code: 'config-invalid' });
    world.write('.clonebox.env', Uint8Array.from([0x41, 0x3d, 0xff]));
    await expect(get('ONE')).rejects.toMatchObject({ code: 'config-invalid' });
    world.write('.clonebox.env', 'ONE=1\nhunter2hunter2\n');
    await expect(get('ONE')).rejects.toMatchObject({
      code: 'config-invalid',
      message: `${world.project}/.clonebox.env:2: is not NAME=VALUE`,
    });
  });
});

test('a variable whose bytes are no text is refused: Node has lost them', async () => {
  world.env.ONE = 'a\uFFFDb';
  await expect(get('ONE')).rejects.toMatchObject({ code: 'refused' });
});

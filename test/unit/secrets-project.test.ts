import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createContext } from '../../src/context.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { readSecretText } from '../../src/secrets/secret-file.ts';
import { openSecretWorld, type SecretWorld } from '../fixtures/secret-bed.ts';

let world: SecretWorld;
let outside: string;
beforeEach(() => {
  world = openSecretWorld();
  outside = world.write(join(world.home, 'other/.env'), 'ONE=of another project');
});
afterEach(() => world.close());

/** The secret ONE, as a command that begins now would find it. */
async function find(provider = 'env') {
  const { host } = world.deps;
  const options = { io: quietIo(), startedAt: 0, trace: createTrace({}) };
  const ctx = createContext(options, { host });
  const secrets = await ctx.openSecrets({
    project: world.project,
    secretOptions: { age: { file: '.env' } },
  });
  return secrets.resolve({ name: 'ONE', provider, key: 'ONE' }, quietIo());
}

const read = (path: string) =>
  readSecretText(path, world.deps, { what: 'the file', isPrivate: false });

test('a directory that has become a link gives nothing of where it leads', async () => {
  world.write('.env', 'ONE=own');
  expect((await find()).secret.reveal()).toBe('own');
  renameSync(world.project, `${world.project}-aside`);
  symlinkSync(join(world.home, 'other'), world.project);
  await expect(find()).rejects.toMatchObject({
    code: 'refused',
    message: `${world.project} is not what it was: ${world.project} is a link to ${join(world.home, 'other')} now`,
  });
});

test('a project that is gone has no files: the secret is found nowhere, and that is all', async () => {
  rmSync(world.project, { recursive: true });
  await expect(find()).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('was found nowhere'),
  });
  await expect(find('age')).rejects.toMatchObject({
    code: 'config-invalid',
    message: `the age file ${world.project}/.env is not there`,
  });
});

test('a path in full is in the project too, and a link there that leads out is refused', async () => {
  const path = join(world.project, 'deep/keys');
  mkdirSync(join(world.project, 'deep'));
  symlinkSync(outside, path);
  await expect(read(path)).rejects.toMatchObject({
    code: 'refused',
    message: `${path} leads out of the project, to ${outside}`,
  });
});

test("the user's own links lead into the project, and from there on nothing leads out", async () => {
  const own = join(world.home, 'work');
  symlinkSync(world.project, own);
  world.write('keys', 'of the project');
  expect(await read(join(own, 'keys'))).toBe('of the project');
  symlinkSync(outside, join(world.project, 'out'));
  await expect(read(join(own, 'out'))).rejects.toMatchObject({ code: 'refused' });
  // Elsewhere they lead where they lead.
  symlinkSync(outside, join(world.home, 'mine'));
  expect(await read(join(world.home, 'mine'))).toBe('ONE=of another project');
});

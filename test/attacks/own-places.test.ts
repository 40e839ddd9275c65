import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { cli, freshHome } from '../e2e/support/cli.ts';
import { expectRefused, openGround } from './support/ground.ts';

// Finding 5: where CloneBox keeps images with their digests, keys, records and settings is in a directory of a guest.

const ground = openGround();
const { at, inside, configure, project } = ground;
const home = freshHome();

beforeEach(() => ground.clear());

/** A directory of CloneBox's own, and how it is moved. Settings are in their place only where the state was not moved. */
const places = [
  ['CLONEBOX_CACHE', (to: string) => ({ CLONEBOX_HOME: home, CLONEBOX_CACHE: to })],
  ['CLONEBOX_HOME', (to: string) => ({ CLONEBOX_HOME: to })],
  [
    'the settings',
    (to: string) => ({ CLONEBOX_HOME: undefined, HOME: at('user'), XDG_CONFIG_HOME: to }),
  ],
] as const;

const lines = ['clone', 'create --run', 'clone --dry-run', 'config show'];

describe.each(places)('%s', (_, moved) => {
  it('in the project', async () => {
    configure();
    for (const line of lines) {
      for (const to of [inside('deep/er'), project]) {
        const env = moved(to);
        expectRefused(await cli(line.split(' '), { env, cwd: project }), 'never shared');
      }
    }
  });

  it('around the project', async () => {
    const around = at('around');
    const env = moved(around);
    const deep = `${around}/clonebox/project`;
    mkdirSync(deep, { recursive: true });
    writeFileSync(`${deep}/.clonebox.yaml`, "version: '2'\nvm: { name: trap }\n");
    for (const line of ['clone', 'create', 'clone --dry-run'])
      expectRefused(await cli(line.split(' '), { env, cwd: deep }), 'clonebox/project');
  });

  it('in a directory that is shared beside the project', async () => {
    const beside = at('beside');
    mkdirSync(beside, { recursive: true });
    for (const mode of ['rw', 'ro', 'copy']) {
      configure(`shares: [{ host: . }, { host: '${beside}', guest: /srv/x, mode: ${mode} }]\n`);
      const env = moved(`${beside}/of-ours`);
      expectRefused(await cli(['clone', '--trust'], { env, cwd: project }), beside);
    }
  });

  it('in the project by way of a link', async () => {
    configure();
    mkdirSync(inside('of-ours'));
    const link = at(`link-${_.replaceAll(' ', '-')}`);
    symlinkSync(inside('of-ours'), link);
    expectRefused(await cli(['clone'], { env: moved(link), cwd: project }), 'never shared');
    renameSync(inside('of-ours'), at(`moved-${_.replaceAll(' ', '-')}`));
  });
});

it('nothing was made in the project', async () => {
  configure();
  const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: inside('cache') };
  await cli(['clone', '--run'], { env, cwd: project });
  expect(existsSync(inside('cache'))).toBe(false);
});

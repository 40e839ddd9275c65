import { mkdirSync, renameSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cli, freshHome, ok, processesWith, scratch } from '../e2e/support/cli.ts';
import { quickImages } from '../e2e/support/quick-images.ts';
import { expectRefused, openGround, secret, told } from './support/ground.ts';
import { openDirectories } from './support/open-directories.ts';
import { race, swaps } from './support/race.ts';

// Findings 3 and 5 with the built CLI, and what of finding 4 needs a VM that is there: the guest writes in the project, and
// its VM is started, replaced, or compared with its file.

const ground = openGround();
const { at, inside, outside, project } = ground;
const home = path.join(freshHome(), 'home');
const quick = scratch();
const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: quick };
const words = ['--no-wait', '--no-template', '--image', 'quick'];
const run = (line: string, more = {}) =>
  cli(line.split(' '), { env: { ...env, ...more }, cwd: project });

beforeAll(async () => {
  await quickImages(quick);
  mkdirSync(inside('lib'));
  ground.configure('shares: [{ host: . }, { host: lib, guest: /srv/lib, mode: rw }]\n');
  await ok(['clone', project, '--run', ...words], { env });
});

const status = async () =>
  (await ok(['status', 'trap', '--json'], { env })).json<{ state: string; pid: number }>();

/** Acts while a name is a link, as the guest has left it. */
async function whileLink(name: string, target: string, action: () => Promise<void>): Promise<void> {
  renameSync(inside(name), at('was'));
  symlinkSync(target, inside(name));
  try {
    await action();
  } finally {
    unlinkSync(inside(name));
    renameSync(at('was'), inside(name));
  }
}

const identity = (place: string) => {
  const { dev, ino } = statSync(place, { bigint: true });
  return `${dev}:${ino}`;
};

/** What QEMU has open for this home's machines. */
const heldNow = () =>
  openDirectories(processesWith(`${home}/`).map((line) => Number(line.split(' ')[0])));

describe('a VM that runs, whose guest has put a link in the place of its share', () => {
  it('is not replaced by one that has what the link leads to', async () => {
    const { pid } = await status();
    await whileLink('lib', outside, async () => {
      // The file says `lib`, which is a place outside the project now: nobody has confirmed that.
      expectRefused(await run(`clone --replace --run ${words.join(' ')}`), outside);
    });
    mkdirSync(at('user/.ssh'), { recursive: true });
    await whileLink('lib', at('user/.ssh'), async () => {
      const line = `clone --replace --run --trust ${words.join(' ')}`;
      expectRefused(await run(line, { HOME: at('user') }), '.ssh is never shared');
    });
    expect(await status()).toMatchObject({ state: 'running', pid });
    expect(heldNow()).toContain(identity(inside('lib')));
    expect(heldNow()).not.toContain(identity(outside));
  });

  it('is not compared with a file that its project’s file links to', async () => {
    await whileLink('.clonebox.yaml', `${outside}/.clonebox.yaml`, async () => {
      for (const line of ['clone --apply', 'clone --replace', 'config show .'])
        expectRefused(await run(line), inside('.clonebox.yaml'));
      for (const line of ['diff', 'diff --json']) {
        const result = await run(line);
        expect([0, 9, 10], told(result)).toContain(result.exitCode);
        expect(told(result)).toContain('a link that leads out');
        expect(told(result)).not.toContain(secret);
      }
    });
  });
});

describe('a VM that is started', () => {
  beforeAll(async () => {
    await ok(['stop', 'trap', '--force'], { env });
  });
  beforeEach(async () => {
    expect(await status()).toMatchObject({ state: 'stopped' });
  });

  it.each([
    ['its shared directory', 'lib'],
    ['the project itself', '.'],
  ])('is refused when a link is in the place of %s', async (_, name) => {
    if (name === '.') {
      renameSync(project, at('was'));
      symlinkSync(outside, project);
      const result = await cli(['start', 'trap'], { env, cwd: '/' });
      unlinkSync(project);
      renameSync(at('was'), project);
      expectRefused(result, project);
      return;
    }
    await whileLink(name, outside, async () =>
      expectRefused(await run('start trap'), inside(name)),
    );
    expect(processesWith(`${home}/`)).toEqual([]);
  });

  it('is refused when its images were moved into its project or another share', async () => {
    for (const to of [inside('cache'), inside('lib/cache'), project])
      expectRefused(await run('start trap', { CLONEBOX_CACHE: to }), 'CLONEBOX_CACHE');
  });

  it('is refused when the state was moved into its project', async () => {
    const moved = inside('state');
    renameSync(home, moved);
    try {
      expectRefused(await run('start trap', { CLONEBOX_HOME: moved }), moved);
    } finally {
      renameSync(moved, home);
    }
  });

  it('has what was shared, or is refused, while the directory is swapped', async () => {
    const [shared, never] = [inside('lib'), outside].map(identity);
    await race(
      swaps(inside('lib'), { target: outside, spare: inside('spare'), rest: 60 }),
      async () => {
        const result = await run('start trap --no-wait');
        expect([0, 4, 8, 10], told(result)).toContain(result.exitCode);
        expect(told(result)).not.toContain(secret);
        const held = heldNow();
        expect(held).not.toContain(never);
        if (result.exitCode !== 0) return;
        expect(held).toContain(shared);
        await ok(['stop', 'trap', '--force'], { env });
      },
      { swaps: 20 },
    );
  });
});

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, scratch } from '../e2e/support/cli.ts';
import { quickImages } from '../e2e/support/quick-images.ts';
import {
  makeThrowawayUser,
  noUserReason,
  type ThrowawayUser,
} from '../e2e/support/throwaway-user.ts';
import { openDirectories } from './support/open-directories.ts';
import { race, swaps } from './support/race.ts';

// Finding 3 for an ordinary user: virtiofsd runs in a user namespace of its own there, and is given the directory in another
// way. QEMU's own 9p is the same for every user: live-shares.test.ts has that.

const why = await noUserReason();
if (why !== undefined) console.warn(`skipped: ${why}`);

const identity = (place: string) => {
  const { dev, ino } = statSync(place, { bigint: true });
  return `${dev}:${ino}`;
};

describe.skipIf(why !== undefined)(`as a plain user${why ? ` (skipped: ${why})` : ''}`, () => {
  let user: ThrowawayUser;
  let shared: string;
  const at = (...names: string[]) => path.join(user.home, ...names);
  const run = (...args: string[]) => {
    const env = { CLONEBOX_HOME: at('cb'), CLONEBOX_CACHE: at('cache') };
    return user.run([`${shared}/node`, `${shared}/dist/main.js`, ...args], {
      env,
      cwd: at('project'),
    });
  };
  const held = () => openDirectories(user.processes().map(({ pid }) => pid));

  beforeAll(async () => {
    user = makeThrowawayUser();
    shared = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbs-')));
    chmodSync(shared, 0o755);
    cpSync(path.join(root, 'dist'), `${shared}/dist`, { recursive: true });
    cpSync(process.execPath, `${shared}/node`);
    const quick = scratch();
    await quickImages(quick);
    mkdirSync(at('project/lib'), { recursive: true });
    mkdirSync(at('outside'));
    execFileSync('cp', ['-a', '--sparse=always', quick, at('cache')]);
    writeFileSync(
      at('project/.clonebox.yaml'),
      `version: '2'
vm: { name: trap, cpus: 1, memory: 384M, share_driver: virtiofs }
shares: [{ host: . }, { host: lib, guest: /srv/lib, mode: rw }]
`,
    );
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, user.home]);
    const words = ['--run', '--no-wait', '--no-template', '--image', 'quick'];
    const made = await run('clone', ...words);
    expect(made.exitCode, `${made.stdout}\n${made.stderr}`).toBe(0);
  });
  afterAll(() => {
    user?.remove();
    if (shared !== undefined) rmSync(shared, { recursive: true, force: true });
  });

  it('what virtiofsd has open is the directory that was shared, while a guest swaps it', async () => {
    expect(held()).toContain(identity(at('project/lib')));
    expect((await run('stop', 'trap', '--force')).exitCode).toBe(0);
    const [right, never] = [at('project/lib'), at('outside')].map(identity);
    await race(
      swaps(at('project/lib'), { target: at('outside'), spare: at('project/spare'), rest: 60 }),
      async () => {
        const result = await run('start', 'trap', '--no-wait');
        const told = `${result.stdout}\n${result.stderr}`;
        // 4 and 7: nothing had the name in that moment.
        expect([0, 4, 7, 8, 10], told).toContain(result.exitCode);
        const open = held();
        expect(open).not.toContain(never);
        if (result.exitCode !== 0) return;
        expect(open).toContain(right);
        expect((await run('stop', 'trap', '--force')).exitCode).toBe(0);
      },
      { swaps: 20 },
    );
  });
});

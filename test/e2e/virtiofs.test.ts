import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli, freshHome, ok, scratch } from './support/cli.ts';

/** The other share driver: 9p is what every other test uses under emulation. */
describe('shares by virtiofs', () => {
  const env = { CLONEBOX_HOME: freshHome() };
  const project = path.join(scratch(), 'with, comma and space');
  mkdirSync(project);
  const config = (shares = '') =>
    writeFileSync(
      path.join(project, '.clonebox.yaml'),
      `version: '2'\nvm: { name: fs, cpus: 2, memory: 512M, share_driver: virtiofs }\n${shares}`,
    );
  const inGuest = async (script: string) =>
    (await ok(['exec', project, '--', 'sh', '-c', script], { env })).stdout.trim();

  it('are live both ways, and can what 9p cannot', async () => {
    config();
    writeFileSync(path.join(project, 'from-host'), 'hello\n');
    const made = (await ok(['clone', project, '--run', '--json'], { env })).json<{
      vm: { shares: { driver: string; mounted: boolean }[] };
    }>();
    expect(made.vm.shares).toMatchObject([{ driver: 'virtiofs', mounted: true }]);
    expect(await inGuest('cat from-host; stat -f -c %T .')).toMatch(/^hello\n(fuse|virtiofs)/);
    await inGuest(
      'echo back > from-guest; chmod 750 from-guest; mkfifo pipe; ln -s from-guest link',
    );
    expect(readFileSync(path.join(project, 'from-guest'), 'utf8')).toBe('back\n');
    // Not the device of a disk of this host.
    const device = ['exec', project, '--as', 'root', '--', 'mknod', 'disk', 'b', '8', '0'];
    expect((await cli(device, { env })).stderr).toContain('not permitted');
    expect(statSync(path.join(project, 'from-guest')).mode & 0o777).toBe(0o750);
    expect(statSync(path.join(project, 'pipe')).isFIFO()).toBe(true);
  });

  it('are there again after a restart', async () => {
    expect((await ok(['restart', project, '--json'], { env })).json()).toMatchObject({
      outcome: 'started',
    });
    expect(await inGuest('cat from-host')).toBe('hello');
    await ok(['delete', project, '--purge', '--yes'], { env });
  });

  it('are refused where this host’s virtiofsd cannot keep one read-only', async () => {
    mkdirSync(path.join(project, 'fixed'));
    config('shares: [{ host: . }, { host: fixed, guest: /srv/fixed, mode: ro }]\n');
    const result = await cli(['clone', project, '--run'], { env });
    // The Rust virtiofsd has --readonly; the C one that QEMU 7 brought has not.
    if (result.exitCode === 0) {
      expect(
        (await cli(['exec', project, '--', 'touch', '/srv/fixed/x'], { env })).exitCode,
      ).not.toBe(0);
      await ok(['delete', project, '--purge', '--yes'], { env });
    } else {
      expect(result.exitCode).toBe(6);
      expect(result.stderr).toMatch(/read-only share/);
      expect((await ok(['list', '--json'], { env })).json()).toEqual({ vms: [] });
    }
  });
});

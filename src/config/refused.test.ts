import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusedProject, refusedShare } from './refused.ts';

const home = '/home/me';

describe('refusedProject', () => {
  it.each([
    '/',
    '/home',
    '/home/me',
    '/home/me/',
    '/home/you',
    '/root',
    '/root/x',
    '/etc',
    '/etc/nginx',
    '/usr',
    '/usr/lib/x',
    '/usr/local',
    '/usr/local/src',
    '/var',
    '/var/lib/x',
    '/var/www',
    '/var/tmp',
    '/boot',
    '/boot/efi',
    '/proc',
    '/proc/self',
    '/sys',
    '/dev',
    '/dev/shm/x',
    '/run',
    '/run/user/1000',
    '/run/media',
    '/bin',
    '/sbin',
    '/lib',
    '/lib64',
    '/opt',
    '/srv',
    '/tmp',
    '/mnt',
    '/media',
    '/home/me/app/../..',
    '/home/me/.ssh',
    '/home/me/.config',
    '/home/me/.local',
    '/home/me/.aws/x',
    '/home/me/.local/share/clonebox/vms/a',
    '/home/you/.kube/x',
  ])('refuses %s', (path) => {
    expect(refusedProject(path, home)).toMatch(/^(is|holds|may hold) /);
  });

  it.each([
    '/home/me/app',
    '/home/me/.config/nvim',
    '/home/you/app',
    '/home/me/etc',
    '/opt/app',
    '/srv/app',
    '/tmp/app',
    '/var/tmp/app',
    '/var/www/site',
    '/usr/src/app',
    '/usr/local/src/app',
    '/mnt/disk',
    '/run/media/me/disk/app',
    '/data',
    '/etcetera',
    '/home/me/.sshd',
    '/workspace/app',
  ])('allows %s', (path) => {
    expect(refusedProject(path, home)).toBeUndefined();
  });

  it('says why', () => {
    expect(refusedProject(home, home)).toBe('is your home directory');
    expect(refusedProject('/home', home)).toBe('holds your home directory');
    expect(refusedProject('/etc/x', home)).toBe('is part of the system');
    expect(refusedProject('/tmp', home)).toBe('is a directory of the system');
  });

  it('follows the home directory, wherever it is', () => {
    expect(refusedProject('/root', '/root')).toBe('is your home directory');
    expect(refusedProject('/root/app', '/root')).toBeUndefined();
    expect(refusedProject('/var/lib/ci/app', '/var/lib/ci')).toBeUndefined();
    expect(refusedProject('/var/lib', '/var/lib/ci')).toBe('holds your home directory');
    expect(refusedProject('/etc', '/')).toBe('is part of the system');
    expect(refusedProject('/app', '/')).toBeUndefined();
  });

  it('refuses every directory above any home', () => {
    const part = fc.stringMatching(/^[a-z]{1,4}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.nat(4), (parts, depth) => {
        const above = `/${parts.slice(0, depth).join('/')}`;
        expect(refusedProject(above, `/${parts.join('/')}`)).toBeDefined();
      }),
    );
  });
});

describe('refusedShare', () => {
  it.each([
    '/home/me/.ssh',
    '/home/me/.ssh/id_ed25519',
    '/home/you/.ssh',
    '/srv/backup/.gnupg',
    '/home/me/.aws',
    '/home/me/.azure',
    '/home/me/.kube/config',
    '/home/me/.netrc',
    '/home/me/.pgpass',
    '/home/me/.git-credentials',
    '/home/me/.config/gcloud/x',
    '/home/me/.docker/config.json',
    '/home/me/.docker',
    '/home/me/.config',
    '/home/me/.local/share',
    '/home/me/.local/share/keyrings',
    '/home/me/.mozilla/firefox',
    '/home/me/.config/google-chrome/Default',
    '/home/me/.config/gh',
    '/home/me/.npmrc',
    '/home/me/.pypirc',
    '/home/me/.local/share/clonebox/vms/web',
    '/srv/.password-store/bank',
    '/srv/backup/keyrings',
    '/home/me',
    '/home',
    '/',
    '/home/you',
    '/root',
    '/home/you/.config/gcloud',
    '/home/me/x/../.ssh',
  ])('refuses %s', (path) => {
    expect(refusedShare(path, home)).toMatch(/credentials/);
  });

  it.each([
    '/home/me/data',
    '/home/me/.config/nvim',
    '/home/me/.docker/contexts',
    '/data',
    '/etc/nginx',
    '/home/me/.ssh-notes',
    '/home/me/.local/share/fonts',
  ])('allows %s', (path) => {
    expect(refusedShare(path, home)).toBeUndefined();
  });
});

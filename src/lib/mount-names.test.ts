import { expect, it } from 'vitest';
import { mountNames } from './mount-names.ts';

const mountinfo = [
  '22 1 98:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw',
  '30 22 98:0 /srv/home /home rw,relatime shared:2 - ext4 /dev/vda1 rw',
  '31 22 98:0 /srv/home/me/my\\040work /mnt/w rw,relatime - ext4 /dev/vda1 rw',
  '32 22 0:40 / /tmp rw - tmpfs tmpfs rw',
  '33 22 98:16 / /data rw - ext4 /dev/vdb rw',
  '34 33 98:32 / /data rw - ext4 /dev/vdc rw',
  '35 22 98:32 /deep /mnt/deep rw - ext4 /dev/vdc rw',
  '36 22 0:50 / /mnt/over rw - overlay overlay rw,lowerdir=/home/me/p:/srv/low,upperdir=/srv/up,workdir=/srv/work',
  '',
].join('\n');

it.each([
  ['/home/me/my work/out', ['/srv/home/me/my work/out', '/mnt/w/out']],
  ['/mnt/w', ['/srv/home/me/my work', '/home/me/my work']],
  ['/srv/home', ['/home']],
  ['/srv', []],
  ['/tmp/x', []],
  ['/data/deep/x', ['/mnt/deep/x']],
  ['/data/other', []],
  ['/mnt/deep', ['/data/deep']],
  ['/', []],
  ['/mnt/over/x', ['/home/me/p/x', '/srv/low/x', '/srv/up/x']],
])('%s is also %j', (path, others) => {
  expect(mountNames(mountinfo)(path)).toEqual(others);
});

it('without mounts there are no other names', () => {
  expect(mountNames('')('/srv')).toEqual([]);
});

import { expect, it } from 'vitest';
import { makeSystem } from '../../test/fixtures/system-tree.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { createLook } from './look.ts';

const lookAt = (root: string, home = '/home/ada') =>
  createLook({
    ...{ host: createHost({}), io: quietIo(), pace: 1, note: () => undefined },
    scope: { root, home, project: undefined },
  });

it('links of another root mean that root, and lead never out of it', async () => {
  const look = lookAt(
    makeSystem({
      'etc/real': 'here',
      'etc/absolute': { link: '/etc/real' },
      'etc/twice': { link: 'absolute' },
      'etc/above': { link: '../../../../../../etc/real' },
      'etc/out': { link: '/etc/passwd' },
      'etc/circle': { link: '/etc/circle' },
    }),
  );
  expect(await look.real('/etc/twice')).toBe('/etc/real');
  expect(await look.text('/etc/twice')).toBe('here');
  expect(await look.text('/etc/above')).toBe('here');
  expect(await look.real('/etc/out')).toBeUndefined();
  expect(await look.text('/etc/circle')).toBeUndefined();
});

it('a home is said as the system has it, with the root before it or not', () => {
  expect(lookAt('/x/root', '/x/root/home/ada').home).toBe('/home/ada');
  expect(lookAt('/x/root').home).toBe('/home/ada');
  expect(lookAt('/').home).toBe('/home/ada');
});

it('a directory, a long text and nothing at all are no text', async () => {
  const look = lookAt(makeSystem({ 'etc/long': 'x'.repeat(3 * 1024 ** 2) }));
  expect(await look.text('/etc')).toBeUndefined();
  expect(await look.text('/etc/long')).toBeUndefined();
  expect(await look.text('/etc/none')).toBeUndefined();
  expect(await look.names('/none')).toEqual([]);
});

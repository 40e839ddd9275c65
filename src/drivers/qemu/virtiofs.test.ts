import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Host } from '../../core/host.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { findVirtiofsd } from './virtiofs.ts';

const io = quietIo();
const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../test/fixtures/bin/${name}`, import.meta.url));

/** A host with this virtiofsd on its PATH, for a user who may or may not make namespaces. */
function hostWith(name: string, user: { uid: number; namespaces: boolean }): Host {
  const host = createHost({ PATH: fixture(name) });
  return {
    ...host,
    user: { ...host.user, uid: user.uid },
    run: async (argv, ...rest) =>
      argv[0] === 'unshare'
        ? { exitCode: user.namespaces ? 0 : 1, signal: undefined, stdout: '', stderr: '' }
        : host.run(argv, ...rest),
  };
}
const root = { uid: 0, namespaces: true };
const plain = { uid: 1000, namespaces: true };
const confined = { uid: 1000, namespaces: false };

test.each([
  ['rust-virtiofsd', root, 'rust'],
  ['rust-virtiofsd', plain, 'rust'],
  ['rust-virtiofsd', confined, 'rust'],
  ['c-virtiofsd', root, 'c'],
  ['c-virtiofsd', plain, 'c'],
])('%s is found for %o', async (name, user, flavour) => {
  const program = `${fixture(name)}/virtiofsd`;
  expect(await findVirtiofsd(hostWith(name, user), io)).toEqual({ program, flavour });
});

test('the one that wants root is of no use to a user without namespaces', async () => {
  expect(await findVirtiofsd(hostWith('c-virtiofsd', confined), io)).toBeUndefined();
});

test('a machine without one has none', async () => {
  const none = { ...hostWith('broken-passt', root), which: async () => undefined };
  expect(await findVirtiofsd(none, io)).toBeUndefined();
});

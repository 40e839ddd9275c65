import { describe, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { chooseSources, debian, listName } from './distribution-sources.ts';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** A machine on which only these files are, which is all that choosing sources looks at. */
function machine(files: Record<string, string>): Host {
  const all: Record<string, string> = { [keyring]: '', ...files };
  return {
    files: {
      readText: async (path: string) => all[path],
      facts: async (path: string) => (path in all ? { kind: 'file' } : undefined),
      list: async (directory: string) =>
        Object.keys(all)
          .filter((path) => path.startsWith(`${directory}/`))
          .map((path) => path.slice(directory.length + 1))
          .sort(),
    },
  } as unknown as Host;
}

function choose(files: Record<string, string>, codename = 'bookworm') {
  return chooseSources(machine(files), { distribution: debian, codename, architecture: 'amd64' });
}

const plain = 'deb http://mirror.example/debian bookworm main contrib\n';

describe('sources for a build', () => {
  test('are those of the distribution by name where apt has never been run', async () => {
    const { lines, keyrings } = await choose({
      '/etc/apt/sources.list': `${plain}deb http://mirror.example/debian bookworm-backports main
deb https://tools.example/linux/debian bookworm stable
deb https://packages.example/apt cloud-sdk-bookworm main
deb [signed-by=/etc/apt/keyrings/vendor.asc] https://vendor.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main\n`,
    });
    expect(lines).toEqual([
      `deb [signed-by=${keyring}] http://mirror.example/debian bookworm main contrib`,
      `deb [signed-by=${keyring}] http://mirror.example/debian-security bookworm-security main`,
    ]);
    expect(keyrings).toEqual([]);
  });

  test('are decided by the Origin of a cached Release file', async () => {
    const other = 'deb http://derivative.example/debian bookworm main\n';
    const lists = '/var/lib/apt/lists';
    const { lines } = await choose({
      '/etc/apt/sources.list': `${other}${plain}`,
      [`${lists}/${listName('http://derivative.example/debian', 'bookworm')}_InRelease`]:
        'Origin: Derivative\nSuite: stable\n',
      [`${lists}/${listName('http://mirror.example/debian', 'bookworm')}_Release`]:
        '-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: Debian\nLabel: Debian\n',
    });
    expect(lines).toEqual([
      `deb [signed-by=${keyring}] http://mirror.example/debian bookworm main contrib`,
    ]);
  });

  test('are turned to the wanted release, once each', async () => {
    const { lines } = await choose(
      {
        '/etc/apt/sources.list.d/debian.sources': `Types: deb
URIs: http://mirror.example/debian
Suites: bookworm stable bookworm-updates
Components: main
`,
      },
      'trixie',
    );
    expect(lines).toEqual([
      `deb [signed-by=${keyring}] http://mirror.example/debian trixie main`,
      `deb [signed-by=${keyring}] http://mirror.example/debian trixie-updates main`,
    ]);
  });

  test('use the first mirror of a mirror list, and a keyring of their own if it is there', async () => {
    const own = '/etc/apt/keyrings/debian-archive-keyring-local.gpg';
    const { lines, keyrings } = await choose({
      [own]: '',
      '/etc/apt/mirrors/debian.list':
        '# mirrors\nhttps://near.example/debian/\nhttps://far.example/debian\n',
      '/etc/apt/sources.list': `deb [signed-by=${own}] mirror+file:/etc/apt/mirrors/debian.list bookworm main\n`,
    });
    expect(lines).toEqual([`deb [signed-by=${own}] https://near.example/debian bookworm main`]);
    expect(keyrings).toEqual([own]);
  });

  test('are missing on a machine without a Debian mirror: it cannot build', async () => {
    const ubuntu = 'deb http://archive.example/ubuntu noble main universe\n';
    await expect(choose({ '/etc/apt/sources.list': ubuntu })).rejects.toMatchObject({
      code: 'host-unable',
      hint: expect.stringContaining('debian:12'),
    });
    await expect(choose({})).rejects.toMatchObject({ code: 'host-unable' });
  });

  test('of security updates alone are not enough', async () => {
    const only = 'deb http://mirror.example/debian-security bookworm-security main\n';
    await expect(choose({ '/etc/apt/sources.list': only })).rejects.toMatchObject({
      code: 'host-unable',
    });
  });

  test('are named as apt names their lists', () => {
    expect(listName('http://user:pw@mirror.example/my_debian', 'bookworm-updates')).toBe(
      'mirror.example_my%5fdebian_dists_bookworm-updates',
    );
  });
});

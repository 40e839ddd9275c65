import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeSystem } from '../../test/fixtures/system-tree.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createHost } from '../host/local.ts';
import { readOwners } from './owners.ts';

const debian = { 'var/lib/dpkg/status': '' };

/** The owners of paths on a system with this program, and what was noted. */
async function ownersOf(root: string, paths: readonly string[]) {
  const notes: string[] = [];
  const host = createHost({ PATH: `${root}/bin` });
  const scope = { root, home: '/home/ada', project: undefined };
  const note = (reason: string) => void notes.push(reason);
  const owners = await readOwners({ host, scope, io: quietIo(), pace: 1, note }, paths);
  const found = Object.fromEntries([...owners].map(([path, one]) => [path, one.name]));
  return { found, notes };
}

describe('dpkg', () => {
  it('is asked once for all, by the names of before /usr was one as well', async () => {
    const program = 'echo run >>"$0.log"; echo "bash: /bin/bash"; exit 1';
    const root = makeSystem({ ...debian, 'bin/dpkg': { program } });
    const paths = ['/usr/bin/bash', '/usr/bin/bash', '/usr/bin/nobody', '/usr/local/bin/mine'];
    expect(await ownersOf(root, paths)).toEqual({ found: { '/usr/bin/bash': 'bash' }, notes: [] });
    expect(readFileSync(`${root}/bin/dpkg.log`, 'utf8')).toBe('run\n');
  });

  it('is understood with several owners, several architectures and diversions', async () => {
    const program = `cat <<'EOF'
diversion by dash from: /bin/sh
diversion by dash to: /bin/sh.distrib
dash: /bin/sh
libc6:amd64, libc6:i386: /etc/ld.so.conf.d/x.conf
tool-data, tool: /opt/tool/a b: c
EOF`;
    const root = makeSystem({ ...debian, 'bin/dpkg': { program } });
    const paths = ['/usr/bin/sh', '/etc/ld.so.conf.d/x.conf', '/opt/tool/a b: c'];
    expect(await ownersOf(root, paths)).toEqual({
      found: {
        '/usr/bin/sh': 'dash',
        '/etc/ld.so.conf.d/x.conf': 'libc6',
        '/opt/tool/a b: c': 'tool-data',
      },
      notes: [],
    });
  });

  it('is not asked for patterns, nor where nothing can be of a package', async () => {
    const root = makeSystem({ ...debian, 'bin/dpkg': { program: 'exit 2' } });
    const paths = ['/opt/*', '/opt/[a]', '/opt/a\\b', '/opt/a\nb', '/home/ada/bin/x', 'relative'];
    expect(await ownersOf(root, paths)).toEqual({ found: {}, notes: [] });
  });
});

it('a file is of the package of rpm that lists it, though that lists others too', async () => {
  const program = `printf 'httpd\\t/usr/lib/x\\nhttpd\\t/usr/sbin/httpd\\n'
echo 'file /usr/bin/mine is not owned by any package'
echo 'error: file /usr/bin/gone: No such file or directory' >&2
exit 2`;
  const root = makeSystem({ 'var/lib/rpm/Packages': '', 'bin/rpm': { program } });
  expect(await ownersOf(root, ['/usr/bin/mine', '/usr/sbin/httpd', '/usr/bin/gone'])).toEqual({
    found: { '/usr/sbin/httpd': 'httpd' },
    notes: [],
  });
});

it('nobody owns anything where there is no package manager', async () => {
  expect(await ownersOf(makeSystem({}), ['/usr/bin/bash'])).toEqual({ found: {}, notes: [] });
});

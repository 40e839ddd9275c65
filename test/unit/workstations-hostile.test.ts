import { describe, expect, it } from 'vitest';
import type { DetectArea } from '../../src/core/detect.ts';
import { localFiles } from '../../src/host/files.ts';
import { makeSystem, processEntries } from '../fixtures/system-tree.ts';
import { reportOf } from '../fixtures/workstation-bed.ts';

const areas: readonly DetectArea[] = ['services', 'applications', 'packages', 'ports'];
const programs = ['systemctl', 'dpkg', 'rpm', 'snap', 'flatpak'];

const socket = '0: 00000000:1F90 00000000:0000 0A 0:0 00:0 0 1000 0 777 1';
/** A service, an application that listens, and packages: something for each area. */
const working = {
  'run/systemd/system/.keep': '',
  ...processEntries(1, { executable: '/usr/lib/systemd/systemd', cgroup: '/init.scope', uid: 0 }),
  ...processEntries(20, { executable: '/usr/sbin/nginx', cgroup: '/system.slice/nginx.service' }),
  ...processEntries(30, { executable: '/usr/bin/tmux', sockets: [777] }),
  'proc/net/tcp': `header\n${socket}\n`,
  'var/lib/dpkg/status':
    'Package: tmux\nStatus: install ok installed\nPriority: optional\nArchitecture: amd64\nVersion: 3.3a-3\n',
};

/** The same, with each program of the system doing this. */
function withPrograms(program: string) {
  const entries = programs.map((name) => [`bin/${name}`, { program }] as const);
  return makeSystem({ ...working, ...Object.fromEntries(entries) });
}

/** The names of what was found, by area. */
async function namesIn(...[root, , options]: Parameters<typeof reportOf>) {
  const { found, problems } = await reportOf(root, areas, options);
  const names = Object.entries(found).map(([area, items]) => [area, items.map(({ name }) => name)]);
  return { ...Object.fromEntries(names), problems };
}

const all = {
  services: ['nginx'],
  applications: ['tmux'],
  packages: ['tmux'],
  ports: ['8080/tcp'],
};

it('a system with nothing to be read has nothing, and no problem', async () => {
  const nothing = { services: [], applications: [], packages: [], ports: [], problems: [] };
  expect(await namesIn(makeSystem({}), areas)).toEqual(nothing);
});

describe('with programs of the system', () => {
  it('that are missing, all is found that files say', async () => {
    expect(await namesIn(makeSystem(working), areas)).toEqual({ ...all, problems: [] });
  });

  it('that print garbage, all is found that files say', async () => {
    const garbage = 'head -c 100000 /dev/urandom; printf "\\0\\n\\t\\n: /\\n"; seq 100000';
    const { problems, ...found } = await namesIn(withPrograms(garbage), areas);
    expect(found).toEqual(all);
    expect(problems).toEqual([
      { area: 'services', reason: 'what systemctl says is not understood' },
    ]);
  });

  it('that fail, each is a problem of its area, with no control character in it', async () => {
    const failing = 'printf "error: \\033[31mno \\033[0mdaemon\\n" >&2; exit 3';
    const { problems, ...found } = await namesIn(withPrograms(failing), areas);
    expect(found).toEqual(all);
    const said = (area: string, name: string) => ({
      area,
      reason: `${name} failed: \\u001b[31mno \\u001b[0mdaemon`,
    });
    expect(problems).toHaveLength(5);
    expect(new Set(problems)).toEqual(
      new Set([
        said('services', 'systemctl'),
        said('services', 'dpkg'),
        said('applications', 'dpkg'),
        said('packages', 'snap'),
        said('packages', 'flatpak'),
      ]),
    );
  });

  it('that hang, they are given up for what files say', async () => {
    const { problems, ...found } = await namesIn(withPrograms('exec sleep 60'), areas);
    expect(found).toEqual(all);
    expect(problems).toContainEqual({
      area: 'services',
      reason: 'systemctl: not finished after 1000 ms: ended',
    });
  });

  it('that hang longer than there is time, their areas are problems, and no other', async () => {
    const started = performance.now();
    const root = withPrograms('exec sleep 60');
    const { problems, ...found } = await namesIn(root, areas, { deadline: 600 });
    expect(performance.now() - started).toBeLessThan(5000);
    expect(found).toEqual({ services: [], applications: [], packages: [], ports: ['8080/tcp'] });
    expect(problems).toEqual(
      ['services', 'applications', 'packages'].map((area) => ({
        area,
        reason: 'not finished after 600 ms',
      })),
    );
  });
});

it('of processes that end while they are looked at, the others are found', async () => {
  const root = makeSystem(working);
  const gone = Object.assign(new Error('ESRCH: no such process, read'), { code: 'ESRCH' });
  /** At each file of this process in turn, it is gone. */
  const vanishing = (file: string) => {
    const ended = (path: string) => path.startsWith(`${root}/proc/30/${file}`);
    return {
      ...localFiles,
      readText: async (path: string) => {
        if (ended(path)) throw gone;
        return localFiles.readText(path);
      },
      readLink: async (path: string) => (ended(path) ? undefined : localFiles.readLink(path)),
      list: async (path: string) => (ended(path) ? [] : localFiles.list(path)),
    };
  };
  for (const file of ['status', 'cgroup', 'exe', 'fd', 'fd/', '']) {
    const { problems, services } = await namesIn(root, areas, {
      host: { files: vanishing(file) },
    });
    expect([services, problems]).toEqual([['nginx'], []]);
  }
});

it('what may not be read is one problem, not one for each process', async () => {
  const others = Array.from({ length: 40 }, (_, at) => processEntries(100 + at, { uid: 1001 }));
  const root = makeSystem(Object.assign({}, ...others, working));
  const forbidden = async (path: string) => {
    if (path.includes('/proc/net/') || path.endsWith('dpkg/status')) {
      throw new Error(`no permission for ${path.slice(root.length)}`);
    }
    return localFiles.readText(path);
  };
  const hidden = async (path: string) => {
    if (/proc\/1\d\d\/exe/.test(path)) throw new Error('no permission');
    return localFiles.readLink(path);
  };
  const files = { ...localFiles, readText: forbidden, readLink: hidden };
  expect((await reportOf(root, areas, { host: { files } })).problems).toEqual([
    {
      area: 'applications',
      reason: '40 processes of other users are left out: the program may not be seen',
    },
    { area: 'packages', reason: 'no permission for /var/lib/dpkg/status' },
    {
      area: 'ports',
      reason: '/proc/net/tcp, /proc/net/tcp6, /proc/net/udp, /proc/net/udp6 cannot be read',
    },
  ]);
});

it('files full of garbage are no problem', async () => {
  const bytes = Uint8Array.from({ length: 5000 }, (_, at) => (at * 7919) % 256);
  const root = makeSystem({
    'run/systemd/system/.keep': '',
    'proc/7/status': bytes,
    'proc/8/status': 'Name:\nVmSize:\nUid:\n',
    'proc/8/cgroup': bytes,
    'proc/9/status': 'Name:\t\\n\nVmSize:\t1 kB\nPPid:\t9\nVmRSS:\tmany\n',
    'proc/9/exe': { link: '../../relative' },
    'proc/10': 'a file',
    ...processEntries(11, { executable: '/memfd:loader (deleted)' }),
    ...processEntries(12, { executable: '/opt/\u001b]0;title\u0007tool' }),
    'proc/99999999999999999999/status': 'VmSize:\n',
    'proc/net/tcp': bytes,
    'proc/net/udp6': '1: :::: :: 07 x\n'.repeat(1000),
    'var/lib/dpkg/status': bytes,
    'var/lib/apt/extended_states': bytes,
  });
  const { found, problems } = await reportOf(root, areas);
  expect(found.applications?.map(({ name, memory }) => [name, memory])).toEqual([
    ['\\u001b]0;title\\u0007tool', 1024 ** 2],
  ]);
  expect([found.services, found.packages, found.ports]).toEqual([[], [], []]);
  expect(problems).toEqual([
    { area: 'packages', reason: '/var/lib/dpkg/status names no package that is installed' },
  ]);
});

it('three hundred processes with many open files are seen in less than two seconds', async () => {
  const links = Array.from({ length: 30 }, (_, at) => 5000 + at);
  const crowd = Array.from({ length: 300 }, (_, at) =>
    processEntries(100 + at, {
      executable: `/opt/tool-${at % 50}/tool`,
      cgroup: `/user.slice/user-1000.slice/session-${at}.scope`,
      sockets: at === 299 ? [...links, 777] : links,
    }),
  );
  const root = makeSystem(Object.assign({}, ...crowd, { 'proc/net/tcp': working['proc/net/tcp'] }));
  const started = performance.now();
  const { found, problems } = await reportOf(root, areas);
  expect(performance.now() - started).toBeLessThan(2000);
  expect(problems).toEqual([]);
  expect(found.applications?.filter(({ processes }) => processes === 6)).toHaveLength(50);
  expect(found.ports?.map(({ port, process }) => [port, process])).toEqual([[8080, 'tool']]);
});

it('more open files than there is time for cost the names of processes, and nothing else', async () => {
  let time = 0;
  // Each look at the clock is a tenth of a second later.
  const now = () => (time += 100);
  const crowd = Array.from({ length: 30 }, (_, at) => processEntries(100 + at, { sockets: [1] }));
  const root = makeSystem(
    Object.assign({}, ...crowd, working, processEntries(900, { sockets: [777] }), {
      'proc/30/fd/3': { link: 'socket:[2]' },
    }),
  );
  const { problems, ...found } = await namesIn(root, areas, { host: { now } });
  expect(found).toEqual(all);
  expect(problems).toEqual([
    { area: 'ports', reason: 'there are too many open files to see whose all ports are' },
  ]);
});

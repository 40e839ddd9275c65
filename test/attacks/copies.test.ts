import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { pack } from 'tar-stream';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, freshHome, ok } from '../e2e/support/cli.ts';
import { expectRefused, openGround, secret, told } from './support/ground.ts';
import { race, swaps } from './support/race.ts';

// Findings 1 and 2, with one VM: what is copied into a guest when its VM is made, and what `cp` copies in and out. Its guest
// has the project by 9p, as root: the copies go over ssh, whatever the driver of the share and the user.

const ground = openGround();
const { at, inside, outside, project } = ground;
const env = { CLONEBOX_HOME: freshHome() };
const cp = (from: string, to: string) => cli(['cp', from, to], { env, cwd: project });
const inGuest = async (script: string) =>
  (await ok(['exec', 'trap', '--as', 'root', '--', 'sh', '-c', script], { env })).stdout.trim();

/** Baked in by the project: begins as soon as the project is there. */
const trap = `
cat >/usr/local/sbin/trap <<'EOF'
#!/bin/sh
cd /
until project=$(awk '$3 == "9p" { print $2; exit }' /proc/mounts) && [ -n "$project" ]; do sleep 0.1; done
exec sh "$project/attack"
EOF
chmod 755 /usr/local/sbin/trap
printf '[Service]\\nExecStart=/usr/local/sbin/trap\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/trap.service
systemctl enable trap.service`;

/** Turns what is to be copied, what is above it, and a third again and again, into links that lead out. */
const attack = `
cd ${project}
mv data was && ln -s ../outside data
mv deep was-deep && ln -s ../outside deep
touch begun
while [ -e begun ]; do
  mv again was-again && ln -s ../outside again
  rm again && mv was-again again
done`;

beforeAll(async () => {
  for (const name of ['data', 'deep/profiles', 'again']) ground.put(`${name}/seed`, 'sown\n');
  ground.put('attack', attack);
  linkSync(at('outside/key.txt'), inside('linked'));
  const copies = ['data', 'deep/profiles', 'again'].map(
    (name) => `  - { host: ${name}, guest: /srv/${name}, mode: copy }\n`,
  );
  const steps = JSON.stringify([{ run: trap }]);
  ground.configure(`shares:\n  - { host: . }\n${copies.join('')}provision: ${steps}\n`);
});

describe('a directory that is copied into the guest', () => {
  it('is what it was before the guest ran, whatever the guest has made of it', async () => {
    const made = await cli(['clone', project, '--run', '--no-wait', '--cold'], { env });
    expect(made.exitCode, told(made)).toBe(0);
    expect(lstatSync(inside('data')).isSymbolicLink()).toBe(true);
    expect(existsSync(inside('begun'))).toBe(true);
    expect(await inGuest('rm /srv/none 2>/dev/null; find /srv -type f | sort')).toBe(
      ['/srv/again/seed', '/srv/data/seed', '/srv/deep/profiles/seed'].join('\n'),
    );
    expect(await inGuest(`grep -rl ${secret} /srv || cat /srv/data/seed`)).toBe('sown');
    await inGuest(`rm -f ${project}/begun`);
  });
});

describe('a file of the project that has another name outside (a hard link)', () => {
  it('is a file of its own to the guest', async () => {
    expect(await inGuest(`cat ${project}/linked`)).toBe(secret);
    await inGuest(`echo evil >${project}/linked; chmod 777 ${project}/linked`);
    expect(readFileSync(inside('linked'), 'utf8')).toBe('evil\n');
    ground.expectUntouched();
    expect(statSync(at('outside/key.txt')).mode & 0o777).toBe(0o600);
  });

  it('is found again by a later start', async () => {
    linkSync(at('outside/.env'), inside('linked-later'));
    // It would begin anew.
    rmSync(inside('attack'));
    await ok(['stop', 'trap'], { env });
    const { stderr } = await ok(['start', 'trap', '--no-wait'], { env });
    expect(stderr.replaceAll(/\s+/g, ' ')).toContain('1 files of');
    await inGuest(`echo evil >${project}/linked-later`);
    ground.expectUntouched();
    rmSync(inside('linked-later'));
  });
});

describe('cp out of a VM', () => {
  beforeAll(async () => {
    await inGuest(
      'echo evil >/root/key.txt; chmod 777 /root/key.txt; mkdir /root/results; echo new >/root/results/new',
    );
    for (const name of ['key.txt', 'report.txt']) symlinkSync('../outside/key.txt', inside(name));
    for (const name of ['results', 'out']) symlinkSync(outside, inside(name));
  });

  it.each([
    ['onto a link to a file', 'trap:/root/key.txt', '.', 'key.txt'],
    ['onto a link by its name', 'trap:/root/key.txt', 'report.txt', 'report.txt'],
    ['onto a link by its whole path', 'trap:/root/key.txt', inside('report.txt'), 'report.txt'],
    ['into a link to a directory', 'trap:/root/results/new', 'out', 'out'],
    ['below a link to a directory', 'trap:/root/results/new', 'out/new', 'out'],
    ['of a directory onto a link', 'trap:/root/results', '.', 'results'],
  ])('is refused %s', async (_, from, to, link) => {
    const { mode } = statSync(`${outside}/key.txt`);
    expectRefused(await cp(from, to), inside(link));
    expect(statSync(`${outside}/key.txt`).mode).toBe(mode);
    ground.expectUntouched();
  });

  it('is refused when a link of the tree leads out of it, and nothing of it is there', async () => {
    for (const target of [`${outside}/key.txt`, '../../outside']) {
      await inGuest(
        `rm -rf /root/tree; mkdir /root/tree; echo x >/root/tree/a; ln -s ${target} /root/tree/z`,
      );
      expectRefused(await cp('trap:/root/tree', '.'), 'z');
      expect(existsSync(inside('tree'))).toBe(false);
    }
  });

  it('does not go where an archive of the guest’s own making says', async () => {
    const file = async (
      ...entries: { name: string; type?: 'symlink' | 'link'; linkname?: string }[]
    ) => {
      const archive = pack();
      for (const { name, ...more } of entries)
        archive.entry({ name, mode: 0o777, ...more }, more.type ? '' : 'evil');
      archive.finalize();
      const parts: Buffer[] = [];
      for await (const part of archive) parts.push(part as Buffer);
      return Buffer.concat(parts);
    };
    const archives = [
      await file({ name: 'got/../../outside/key.txt' }),
      await file({ name: '../outside/new' }),
      await file({ name: `${outside}/key.txt` }),
      await file({ name: 'got', type: 'symlink', linkname: outside }, { name: 'got/new' }),
      await file(
        { name: 'got/l', type: 'symlink', linkname: '../../outside' },
        { name: 'got/l/new' },
      ),
      await file(
        { name: 'got/hard', type: 'link', linkname: `${outside}/key.txt` },
        { name: 'got/hard' },
      ),
    ];
    // Every tar of this guest says what it likes.
    await inGuest(
      `cp -a /usr/bin/tar /root/real-tar; printf '#!/bin/sh\\ncat ${project}/evil.tar\\n' >/root/fake; chmod 755 /root/fake
       mkdir /root/got; echo x >/root/got/x; mv /root/fake /usr/bin/tar`,
    );
    try {
      for (const archive of archives) {
        writeFileSync(inside('evil.tar'), archive);
        const before = readdirSync(project);
        const result = await cp('trap:/root/got', '.');
        expect([0, 8, 10], told(result)).toContain(result.exitCode);
        ground.expectUntouched();
        const come = readdirSync(project).filter((name) => !before.includes(name));
        expect(result.exitCode === 0 ? come : ['got']).toEqual(['got']);
        expect(result.exitCode === 0 ? [] : come).toEqual([]);
      }
    } finally {
      await inGuest('mv /root/real-tar /usr/bin/tar');
    }
  });

  it('never writes outside while the directory it goes to is swapped', async () => {
    mkdirSync(inside('into'));
    await race(
      swaps(inside('into'), { target: outside, spare: inside('spare'), rest: 40 }),
      async () => {
        const result = await cp('trap:/root/results', 'into/');
        expect([0, 4, 5, 10], told(result)).toContain(result.exitCode);
        ground.expectUntouched();
      },
      { tries: 4 },
    );
  });

  it('does not go by a link to a program, which an earlier copy has brought', async () => {
    const program = '/usr/local/bin/clonebox-is-attacked';
    await inGuest(`mkdir -p /root/venv && ln -sf ${program} /root/venv/tool`);
    await ok(['cp', 'trap:/root/venv', at()], { env });
    const tool = at('venv/tool');
    for (const to of [tool, `${tool}/`]) {
      const result = await cp('trap:/root/key.txt', to);
      expect(result.exitCode, told(result)).not.toBe(0);
    }
    expectRefused(await cli(['audit', 'export', '-o', tool], { env }), 'leads out of');
    expect(existsSync(program)).toBe(false);
  });

  it('may go by the user’s own links to a directory of the user’s own', async () => {
    mkdirSync(at('mine'));
    symlinkSync('mine', at('alias'));
    await ok(['cp', 'trap:/root/results', at('alias')], { env });
    expect(readFileSync(at('mine/results/new'), 'utf8')).toBe('new\n');
  });
});

describe('cp into a VM', () => {
  it.each([
    ['a directory', '../../outside', 'data'],
    ['a file', '../../outside/key.txt', 'data'],
    ['a file, by its whole path', `${outside}/key.txt`, 'data'],
    ['a file, deep below', '../../../../outside/key.txt', 'a/b/data'],
  ])('is refused when a link of the tree leads out of it, to %s', async (_, target, link) => {
    rmSync(inside('fixtures'), { recursive: true, force: true });
    ground.put('fixtures/a/b/file', 'x');
    symlinkSync(target, inside('fixtures', link));
    expectRefused(await cp('fixtures', 'trap:/tmp/'), `${link} -> ${target}`);
    expect(await inGuest('ls /tmp | grep fixtures || echo none')).toBe('none');
  });

  it('is refused when what is named is a link out of the project', async () => {
    for (const name of ['report.txt', 'out', 'out/key.txt'])
      expectRefused(await cp(name, 'trap:/tmp/taken'), inside(name.split('/')[0] as string));
    expect(await inGuest('ls /tmp | grep taken || echo none')).toBe('none');
  });

  it('follows no link that a guest has put there, by whatever way --follow-links comes to it', async () => {
    await inGuest(`cd ${project} && mkdir -p deep-in && ln -sfn ${outside} deep-in/taken`);
    mkdirSync(at('own/deeper'), { recursive: true });
    symlinkSync(inside('deep-in'), at('own/deeper/way'));
    symlinkSync(inside('deep-in/taken'), at('own/through'));
    for (const from of [at('own/deeper'), at('own'), inside('deep-in')]) {
      const words = ['cp', '--follow-links', from, 'trap:/tmp/led'];
      expectRefused(await cli(words, { env }), 'a VM writes to');
    }
    expect(await inGuest('ls -d /tmp/led 2>/dev/null || echo none')).toBe('none');
    await inGuest(`rm -r ${project}/deep-in`);
    rmSync(at('own'), { recursive: true });
  });

  it('brings a tree as it is: links to a directory, to a file and to nothing, modes and times', async () => {
    ground.put('tree/dir/tool', '#!/bin/sh\n');
    chmodSync(inside('tree/dir/tool'), 0o751);
    utimesSync(inside('tree/dir/tool'), 1_500_000_000, 1_500_000_000);
    for (const [name, target] of [
      ['to-dir', 'dir'],
      ['to-file', 'dir/tool'],
      ['to-nothing', 'nothing'],
    ] as const)
      symlinkSync(target, inside('tree', name));
    const result = await cp('tree', 'trap:/tmp/');
    expect(result.exitCode, told(result)).toBe(0);
    expect(await inGuest('cd /tmp/tree; readlink to-*; stat -c "%a %Y" dir/tool; ls -A')).toBe(
      [
        'dir',
        'dir/tool',
        'nothing',
        '751 1500000000',
        'dir',
        'to-dir',
        'to-file',
        'to-nothing',
      ].join('\n'),
    );
  });
});

describe('what -o names in a directory that a guest wrote to', () => {
  it('leads nowhere when its VM is gone and no mark of the project is left', async () => {
    const links = 'ln -s ../outside/key.txt report.json; ln -s ../outside results';
    await inGuest(`cd ${project} && find . -mindepth 1 -delete; ${links}`);
    await ok(['delete', 'trap', '--purge', '--yes'], { env });
    expect(readdirSync(project).toSorted()).toEqual(['report.json', 'results']);
    for (const file of ['report.json', 'results/new.json'])
      expectRefused(
        await cli(['audit', 'export', '-o', file], { env, cwd: project }),
        'leads out of',
      );
    ground.expectUntouched();
  });
});

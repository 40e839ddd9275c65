import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli, freshHome, main, ok, scratch } from './support/cli.ts';

// What links do to `cp` is in test/attacks/copies.test.ts too, from the side of who puts them there.

const env = { CLONEBOX_HOME: freshHome() };
const project = scratch();
const work = scratch();
const at = (...names: string[]) => path.join(work, ...names);
const cp = (...words: string[]) => ok(['cp', ...words], { env, cwd: work });
const fails = async (...words: string[]) => {
  const result = await cli(['cp', ...words], { env, cwd: work });
  return { code: result.exitCode, said: result.stderr };
};
const inGuest = async (script: string) =>
  (await ok(['exec', 'courier', '--as', 'root', '--', 'sh', '-c', script], { env })).stdout.trim();

/** Writes a file with the directories above it. */
function put(name: string, text = name): void {
  mkdirSync(path.dirname(at(name)), { recursive: true });
  writeFileSync(at(name), text);
}

/** What there is below a directory: modes, times, what links say, contents. */
function describeTree(top: string, name = '.'): string[] {
  const file = path.join(top, name);
  const stat = lstatSync(file);
  const isLink = stat.isSymbolicLink();
  const said = isLink ? readlinkSync(file) : stat.isFile() ? readFileSync(file, 'latin1') : '';
  const line = JSON.stringify([name, isLink || stat.mode, Math.floor(stat.mtimeMs), said]);
  if (!stat.isDirectory()) return [line];
  const inner = readdirSync(file).toSorted();
  return [line, ...inner.flatMap((one) => describeTree(top, path.join(name, one)))];
}

beforeAll(async () => {
  writeFileSync(
    path.join(project, '.clonebox.yaml'),
    "version: '2'\nvm: { name: courier, cpus: 1 }\n",
  );
  await ok(['clone', project, '--run', '--yes'], { env, timeout: 900_000 });

  put('tree/dir/tool', '#!/bin/sh\n');
  chmodSync(at('tree/dir/tool'), 0o751);
  put('tree/sealed/inner/file');
  put('tree/empty', '');
  mkdirSync(at('tree/nothing in it'));
  const odd = ['-rf', ' ', '\\n', 'a\nb', "it's", '"', '$HOME', '*', 'a:b', '~', 'ünï', '--', '.x'];
  for (const name of [...odd, 'x'.repeat(255)]) put(`tree/odd/${name}`);
  for (const name of ['p/../..', '%s']) put(`tree/odd/${name.replaceAll('/', '\\')}`);
  const links = {
    'to-dir': 'dir',
    'to-file': 'dir/tool',
    'to-nothing': 'nothing',
    'dir/up': '..',
    // As a virtual environment of Python has them.
    'venv/bin/python3': '/usr/bin/python3',
    'venv/bin/python': 'python3',
    'venv/lib64': 'lib',
  };
  put('tree/venv/lib/site.py');
  put('tree/venv/bin/activate');
  for (const [name, target] of Object.entries(links)) symlinkSync(target, at('tree', name));
  for (const name of ['dir/tool', 'empty', 'sealed/inner', 'sealed'])
    utimesSync(at('tree', name), 1_500_000_000.25, 1_500_000_000.25);
  for (const name of ['sealed/inner', 'sealed']) chmodSync(at('tree', name), 0o555);
});

describe('a tree', () => {
  it.each([
    ['the memory of the guest', '/tmp/'],
    ['the shared project', `${project}/`],
    ['the home of its user', ''],
  ])('is the same after a way through %s and back', async (_, where) => {
    await cp('-r', 'tree', `courier:${where}`);
    await cp(`courier:${where}tree`, `back${where.length}`);
    const [sent, got] = [describeTree(at('tree')), describeTree(at(`back${where.length}`))];
    // 9p takes the fraction off times that are set: the seconds are what can be asked for there.
    const blunt = (lines: string[]) => lines.map((line) => line.replace(/,(\d{10})\d{3},/, ',$1,'));
    if (where.startsWith(project)) expect(blunt(got)).toEqual(blunt(sent));
    else expect(got).toEqual(sent);
    expect(readdirSync(project).filter((name) => name.startsWith('.clonebox-'))).toEqual([]);
    expect(await inGuest('ls -A /tmp /root | grep clonebox- || echo clean')).toBe('clean');
  });

  it('fills up one of its name, replaces files, and leaves what else is there', async () => {
    put('part/dir/same', 'new');
    put('part/new', 'new');
    const old = 'rm -rf /tmp/part; mkdir -p /tmp/part/dir; cd /tmp/part; echo old >dir/old';
    await inGuest(`${old}; echo old >dir/same`);
    await cp('part', 'courier:/tmp');
    expect(await inGuest('cd /tmp/part; cat dir/old; cat dir/same new')).toBe('old\nnewnew');
    // By a relative path too; and what is called as something in the root of the guest is nothing odd.
    put('part/etc');
    for (const _ of [1, 2]) await cp('part', 'courier:');
    expect(await inGuest('cat /root/part/etc')).toBe('part/etc');
    put('here/part/dir/old', 'old');
    put('here/part/dir/same', 'old');
    await cp('courier:/tmp/part', 'here/');
    expect(readFileSync(at('here/part/dir/same'), 'utf8')).toBe('new');
    expect(readFileSync(at('here/part/dir/old'), 'utf8')).toBe('old\n');
  });

  it('is filled into a directory by /., which keeps its own mode', async () => {
    put('loose/file');
    chmodSync(at('loose'), 0o775);
    await cp('loose/.', 'courier:/tmp');
    expect(await inGuest('stat -c %a /tmp; cat /tmp/file')).toBe('1777\nloose/file');
    mkdirSync(at('tight'), { mode: 0o700 });
    await inGuest('mkdir -p /tmp/loose; chmod 777 /tmp/loose; echo x >/tmp/loose/x');
    await cp('courier:/tmp/loose/.', 'tight');
    expect([statSync(at('tight')).mode & 0o777, readdirSync(at('tight'))]).toEqual([0o700, ['x']]);
  });

  it('of 1500 files takes seconds, and is counted', async () => {
    for (let number = 0; number < 1500; number += 1) put(`many/${number % 30}/${number}`, 'x');
    const begun = Date.now();
    const there = await cp('many', 'courier:/var/tmp/', '--json');
    const middle = Date.now();
    const back = await cp('courier:/var/tmp/many', 'many-back', '--json');
    expect(there.json()).toMatchObject({ copied: 'many', files: 1500, bytes: 1500 });
    expect(back.json()).toMatchObject({ files: 1500, bytes: 1500, skipped: [] });
    expect(middle - begun).toBeLessThan(15_000);
    expect(Date.now() - middle).toBeLessThan(15_000);
  });

  it('has its pipes left out and named', async () => {
    put('pipes/file');
    execFileSync('mkfifo', [at('pipes/a pipe')]);
    const sent = await cp('pipes', `courier:${project}/`);
    expect(sent.stderr).toContain('a pipe');
    expect(readdirSync(path.join(project, 'pipes'))).toEqual(['file']);
    await inGuest('mkdir /tmp/pipes; cd /tmp/pipes; mkfifo p; echo x >file; chmod 4755 file');
    const got = await cp('courier:/tmp/pipes', 'pipes-back', '--json');
    expect(got.json()).toMatchObject({ files: 1, skipped: ['p'] });
    expect(statSync(at('pipes-back/file')).mode & 0o7777).toBe(0o755);
  });
});

describe('a file', () => {
  it('goes under the name that is given, or its own', async () => {
    put('a:b c', 'content');
    await cp('./a:b c', 'courier:/tmp/x:y\\z');
    await cp('courier:/tmp/x:y\\z', '.');
    expect(readFileSync(at('x:y\\z'), 'utf8')).toBe('content');
    await cp('courier:/tmp/x:y\\z', './-new');
    await cp('--', '-new', 'courier:');
    expect(await inGuest('cat /root/-new')).toBe('content');
    await cp('courier:~/-new', 'again');
    expect(readFileSync(at('again'), 'utf8')).toBe('content');
  });

  it('that is missing, or a directory for it, is named', async () => {
    for (const [from, to, named] of [
      ['no such', 'courier:/tmp/', 'no such'],
      ['again', 'courier:/no/such/x', '/no/such/x'],
      ['again', 'courier:/tmp/new/', '/tmp/new/'],
      ['courier:/no/such', '.', '/no/such'],
      ['courier:/root/-new', 'no/such', 'no/such'],
      ['courier:/root/-new', 'nothing/', 'nothing'],
    ] as const) {
      const { code, said } = await fails(from, to);
      expect([code, said.includes(named)], `${from} ${to}: ${said}`).toEqual([4, true]);
    }
  });

  it('never takes the place of a directory, nor a directory its', async () => {
    put('clash/x', 'file');
    await inGuest('rm -rf /tmp/clash; mkdir -p /tmp/clash/x/y');
    expect((await fails('clash', 'courier:/tmp/')).code).toBe(5);
    expect((await fails('courier:/tmp/clash', '.')).code).toBe(5);
    expect(readFileSync(at('clash/x'), 'utf8')).toBe('file');
  });
});

describe('links', () => {
  beforeAll(() => {
    put('mine/real/file', 'followed');
    mkdirSync(at('mine/tree'));
    symlinkSync('../real', at('mine/tree/dir'));
    symlinkSync('../real/file', at('mine/tree/file'));
  });

  it('that lead out are refused and named, and followed on request', async () => {
    const { code, said } = await fails('mine/tree', 'courier:/tmp/led');
    expect([code, said]).toEqual([10, expect.stringContaining('dir -> ../real')]);
    expect(said).toContain('file -> ../real/file');
    expect(await inGuest('ls -d /tmp/led 2>&1 || true')).toContain('No such');
    await cp('--follow-links', 'mine/tree', 'courier:/tmp/led');
    const seen = await inGuest('cd /tmp/led; find . -type l; cat file dir/file');
    expect(seen).toBe('followedfollowed');
  });

  it('cannot be followed in a circle, to nothing, or out of a VM', async () => {
    mkdirSync(at('circle'));
    symlinkSync('.', at('circle/round'));
    symlinkSync('none', at('circle/nowhere'));
    const { code, said } = await fails('--follow-links', 'circle', 'courier:/tmp/');
    expect(code).toBe(2);
    for (const name of ['round', 'nowhere']) expect(said).toContain(name);
    expect((await fails('--follow-links', 'courier:/tmp/led', 'led')).code).toBe(2);
  });
});

describe('a copy that fails', () => {
  it('for want of room there says so, and leaves nothing', async () => {
    await inGuest('mkdir -p /mnt/small; mount -t tmpfs -o size=1m tmpfs /mnt/small');
    put('large/a', 'a');
    put('large/b', 'x'.repeat(4 << 20));
    const { code, said } = await fails('large', 'courier:/mnt/small/');
    expect([code, said]).toEqual([8, expect.stringContaining('full')]);
    expect(await inGuest('ls -A /mnt/small')).toBe('');
  });

  it.skipIf(process.getuid?.() !== 0)('for want of room here says so too', async () => {
    mkdirSync(at('small'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at('small')]);
    try {
      await inGuest('mkdir /tmp/large; head -c 4M /dev/zero >/tmp/large/b');
      const { code, said } = await fails('courier:/tmp/large', 'small/');
      expect([code, said]).toEqual([6, expect.stringContaining('the disk is full')]);
      expect(readdirSync(at('small'))).toEqual([]);
    } finally {
      execFileSync('umount', [at('small')]);
    }
  });

  it('since its user may not read, there, says why', async () => {
    // Nobody may read this one, root neither.
    const { code, said } = await fails('courier:/sys/bus/pci/rescan', 'rescan');
    expect([code, said]).toEqual([8, expect.stringContaining('Permission denied')]);
    expect(existsSync(at('rescan'))).toBe(false);
  });

  it('by Ctrl-C leaves nothing, neither way', async () => {
    await inGuest('truncate -s 4G /tmp/huge');
    execFileSync('truncate', ['-s', '4G', at('huge')]);
    for (const words of [
      ['courier:/tmp/huge', 'huge-back'],
      ['huge', 'courier:/tmp/huge-there'],
    ]) {
      const child = spawn(process.execPath, [main, 'cp', ...words], {
        ...{ cwd: work, stdio: 'ignore' },
        env: { ...process.env, ...env },
      });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await expect
        .poll(
          async () =>
            readdirSync(work).some((name) => name.startsWith('.clonebox-')) ||
            (await inGuest('ls -A /tmp')).includes('.clonebox-'),
          { timeout: 30_000 },
        )
        .toBe(true);
      child.kill('SIGINT');
      expect(await ended).toBe(130);
    }
    expect(readdirSync(work).filter((name) => /^\.clonebox-|^huge-back/.test(name))).toEqual([]);
    await expect
      .poll(() => inGuest('ls -A /tmp | grep -e clonebox- -e huge-there || echo clean'), {
        timeout: 30_000,
      })
      .toBe('clean');
    rmSync(at('huge'));
  });
});

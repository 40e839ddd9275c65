import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import { isWrittenByOthers, requireStaying } from '../../src/ops/floors.ts';
import { outputFile } from '../../src/ops/output-file.ts';
import { findProject, findTarget } from '../../src/ops/target.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

let bed: OperationBed;
let ctx: Ctx;
let area: string;
const at = (...names: string[]) => path.join(area, ...names);

beforeEach(() => {
  bed = createOperationBed();
  ctx = bed.context();
  area = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbf-')));
  for (const name of ['project/deep', 'outside']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('outside/file'), 'KEEP');
  symlinkSync('../../outside/file', at('project/deep/out.json'));
  symlinkSync('../outside', at('project/ci'));
});
afterEach(() => {
  bed.remove();
  rmSync(area, { recursive: true });
});

/** Remembers directories as what a guest writes to. */
async function remember(...names: string[]): Promise<void> {
  for (const name of names) {
    const identity = await ctx.host.files.identity(at(name));
    if (identity === undefined) throw new Error(`${name} is not there`);
    await ctx.store.rememberShared([{ path: at(name), identity }], ctx.io);
  }
}
const output = (name: string) => outputFile(ctx, { file: at(name), cwd: '/' });

const refused = { code: 'refused', message: expect.stringContaining('leads out of') };

describe('a link in what others have written', () => {
  it.each([
    '.git',
    '.hg',
    '.clonebox.yaml',
    'package.json',
    'pyproject.toml',
    'go.mod',
    'Dockerfile',
  ])('leads nowhere out of a project that is one by %s', async (mark) => {
    writeFileSync(at('project', mark), '');
    const output = outputFile(ctx, { file: 'deep/out.json', cwd: at('project') });
    await expect(output).rejects.toMatchObject(refused);
    await expect(findTarget(ctx, './ci', at('project'))).rejects.toMatchObject(refused);
    const image = requireStaying(ctx, at('project/deep/out.json'));
    await expect(image).rejects.toMatchObject(refused);
    expect(readFileSync(at('outside/file'), 'utf8')).toBe('KEEP');
  });

  it('leads nowhere out of a share that a guest writes to', async () => {
    const shares = [{ host: at('project'), guest: '/x', mode: 'rw' }] as const;
    await ctx.store.write(recordOf(web, [], { project: at('outside'), shares }));
    const output = outputFile(ctx, { file: at('project/deep/out.json'), cwd: '/' });
    await expect(output).rejects.toMatchObject(refused);
  });

  it('leads nowhere out of what a guest once wrote to, though it removed every mark and its VM is gone', async () => {
    await remember('project');
    await remember('project', 'outside');
    await expect(output('project/ci/file')).rejects.toMatchObject(refused);
    await expect(requireStaying(ctx, at('project/deep/out.json'))).rejects.toMatchObject(refused);
    // Wherever it is moved.
    renameSync(at('project'), at('moved'));
    await expect(output('moved/ci/file')).rejects.toMatchObject(refused);
    expect(readFileSync(at('outside/file'), 'utf8')).toBe('KEEP');
  });

  it.skipIf(process.getuid?.() !== 0)(
    'leads nowhere by another name that a mount gives',
    async () => {
      await remember('project');
      symlinkSync('../../outside', at('project/deep/ci'));
      mkdirSync(at('mounted'));
      execFileSync('mount', ['--bind', at('project/deep'), at('mounted')]);
      try {
        await expect(output('mounted/ci/file')).rejects.toMatchObject(refused);
      } finally {
        execFileSync('umount', [at('mounted')]);
      }
    },
  );

  it('of the user’s own, in what is no project and no share, is followed', async () => {
    const file = await output('project/ci/file');
    expect(file.path).toBe(at('outside/file'));
    await file.write('new');
    expect(readFileSync(at('outside/file'), 'utf8')).toBe('new');
  });
});

it('a repository is one wherever it is, and whatever else is in it', async () => {
  const isOthers = await isWrittenByOthers(ctx);
  const identity = { device: 0n, inode: 0n, born: 0n };
  mkdirSync(at('project/.git'));
  mkdirSync(at('project/.ssh'));
  expect(await isOthers({ path: at('project'), identity })).toBe(true);
  const list = async () => ['.git'];
  const files = { ...ctx.host.files, list };
  const host = { ...ctx.host, files, user: { ...ctx.host.user, home: '/home/me' } };
  const there = await isWrittenByOthers(Object.create(ctx, { host: { value: host } }) as Ctx);
  const judged = (path: string) => there({ path, identity });
  for (const path of ['/var/lib/x', '/etc/x', '/opt/x', '/root/x', '/home/you', '/home/me/x'])
    expect(await judged(path), path).toBe(true);
  for (const path of ['/', '/home', '/home/me', '/tmp', '/srv', '/opt'])
    expect(await judged(path), path).toBe(false);
});

describe('what -o names, where nobody is known to have written', () => {
  it.each([
    ['deep/out.json', 'project'],
    ['./ci/file', 'project'],
    ['../ci/file', 'project/deep'],
    ['..//./ci/new', 'project/deep'],
  ])('leads by %s not out of where it begins', async (file, cwd) => {
    await expect(outputFile(ctx, { file, cwd: at(cwd) })).rejects.toMatchObject(refused);
  });

  it('is by its whole path in the directory that is named', async () => {
    await expect(output('project/deep/out.json')).rejects.toMatchObject(refused);
    symlinkSync('file', at('outside/alias'));
    expect((await output('project/ci/alias')).path).toBe(at('outside/file'));
  });
});

it('the project of a VM that is named is not looked for where a link leads by now', async () => {
  await ctx.store.write(recordOf(web, [], { project: at('project/ci') }));
  await expect(findProject(ctx, web, '/')).rejects.toMatchObject({ code: 'refused' });
});

import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ctx } from '../../src/core/ctx.ts';
import { leaveProjectsOut } from '../../src/ops/own-environment.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

let bed: OperationBed;
let ctx: Ctx;
let area: string;
const at = (...names: string[]) => path.join(area, ...names);

beforeEach(() => {
  bed = createOperationBed();
  ctx = bed.context();
  area = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbs-')));
  for (const name of ['project/.venv/bin', 'project/node_modules/.bin', 'tools/bin', 'other'])
    mkdirSync(at(name), { recursive: true });
  writeFileSync(at('project/package.json'), '{}');
  symlinkSync('project/.venv/bin', at('active'));
});
afterEach(() => {
  bed.remove();
  rmSync(area, { recursive: true });
});

/** What is left of a PATH for a command in a directory. */
async function left(
  entries: readonly string[],
  cwd: string,
  named: readonly string[] = [],
): Promise<string[]> {
  const env = { PATH: entries.join(':') };
  const host = {
    ...ctx.host,
    env,
    setVariable: (name: 'PATH', value: string) => (env[name] = value),
  };
  await leaveProjectsOut(Object.create(ctx, { host: { value: host } }) as Ctx, { cwd, named });
  return env.PATH.split(':');
}

describe('programs of this host are not looked for', () => {
  it('in the project that the user is in or names, by whatever name', async () => {
    const own = ['project/.venv/bin', 'project/node_modules/.bin', 'active'].map((name) =>
      at(name),
    );
    const entries = [...own, '/usr/bin', at('tools/bin'), '/bin'];
    const kept = ['/usr/bin', at('tools/bin'), '/bin'];
    expect(await left(entries, at('project'))).toEqual(kept);
    expect(await left(entries, at('project/.venv'))).toEqual(kept);
    const real = [...entries.slice(0, 2), at('project/.venv/bin'), ...kept];
    expect(await left(entries, at('other'))).toEqual(real);
    expect(await left(entries, at('other'), ['../project'])).toEqual(kept);
    expect(await left(entries, '/', ['site', at('project/node_modules')])).toEqual(kept);
  });

  it('in what a guest writes to or ever wrote to, wherever the user is', async () => {
    const entries = [at('project/.venv/bin'), at('tools/bin'), '/usr/bin'];
    const shares = [{ host: at('project'), guest: '/x', mode: 'rw' }] as const;
    await ctx.store.write(recordOf(web, [], { project: at('other'), shares }));
    expect(await left(entries, '/')).toEqual([at('tools/bin'), '/usr/bin']);
    const identity = await ctx.host.files.identity(at('tools'));
    if (identity === undefined) throw new Error('tools is not there');
    await ctx.store.rememberShared([{ path: at('tools'), identity }], ctx.io);
    expect(await left(entries, '/')).toEqual(['/usr/bin']);
  });

  it('in a project, wherever that is', async () => {
    const files = {
      ...ctx.host.files,
      list: async (directory: string) =>
        /^\/(opt|usr\/src|snap|nix)\/x$/.test(directory) ? ['.git'] : [],
      realPath: async (place: string) => place,
    };
    ctx = Object.create(ctx, { host: { value: { ...ctx.host, files } } }) as Ctx;
    for (const project of ['/opt/x', '/usr/src/x', '/snap/x', '/nix/x'])
      expect(await left([`${project}/.venv/bin`, '/usr/bin'], project)).toEqual(['/usr/bin']);
    const system = ['/usr/local/sbin', '/usr/local/bin/', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
    expect(await left(system, '/opt/x')).toEqual(system);
  });

  it('by way of a link that others may turn, whatever it leads to now', async () => {
    symlinkSync('/usr/bin', at('project/turning'));
    symlinkSync('project/turning', at('through'));
    const entries = [at('project/turning'), at('through'), at('tools/bin')];
    // By its canonical path, which nobody turns.
    expect(await left(entries, at('project'))).toEqual(['/usr/bin', at('tools/bin')]);
    symlinkSync('tools', at('mine'));
    expect(await left([at('mine/bin')], '/')).toEqual([at('tools/bin')]);
  });

  it('where a relative entry leads', async () => {
    expect(await left(['.', '', 'bin', '/usr/bin'], at('other'))).toEqual(['/usr/bin']);
    expect(await left(['/usr/bin', '/nowhere'], '/')).toEqual(['/usr/bin']);
  });

  it('anywhere but in the system when nobody can tell what is shared', async () => {
    const fail = () => Promise.reject(new Error('EACCES'));
    const store = { value: { ...ctx.store, names: fail } };
    ctx = Object.create(ctx, { store }) as Ctx;
    expect(await left([at('tools/bin'), '/usr/bin'], '/')).toEqual(['/usr/bin']);
  });

  it('by those that are started, either', async () => {
    const before = process.env.PATH;
    writeFileSync(at('project/.venv/bin/cb-told'), '#!/bin/sh\necho of the project\n');
    chmodSync(at('project/.venv/bin/cb-told'), 0o755);
    try {
      process.env.PATH = `${at('project/.venv/bin')}:${before}`;
      const { createHost } = await import('../../src/host/local.ts');
      const host = createHost();
      expect(await host.which('cb-told')).toBe(at('project/.venv/bin/cb-told'));
      const inProject = Object.create(ctx, { host: { value: host } }) as Ctx;
      await leaveProjectsOut(inProject, { cwd: at('project') });
      expect(await host.which('cb-told')).toBeUndefined();
      const { exitCode } = await host.run(['/bin/sh', '-c', 'cb-told'], ctx.io);
      expect(exitCode).toBe(127);
    } finally {
      process.env.PATH = before;
    }
  });
});

it('files of the moment are not made in a share or a project', async () => {
  const kept = async (value: string, cwd: string) => {
    const env: { PATH: string; TMPDIR?: string } = { PATH: '/usr/bin', TMPDIR: value };
    const setVariable = (name: string) => name === 'TMPDIR' && delete env.TMPDIR;
    const host = { value: { ...ctx.host, env, setVariable } };
    await leaveProjectsOut(Object.create(ctx, { host }) as Ctx, { cwd });
    return env.TMPDIR;
  };
  expect(await kept(at('project/node_modules'), at('project'))).toBeUndefined();
  expect(await kept(at('tools'), at('project'))).toBe(at('tools'));
  expect(await kept('tmp', at('project'))).toBeUndefined();
  const shares = [{ host: at('project'), guest: '/x', mode: 'rw' }] as const;
  await ctx.store.write(recordOf(web, [], { project: at('other'), shares }));
  expect(await kept(at('project/node_modules'), '/')).toBeUndefined();
});

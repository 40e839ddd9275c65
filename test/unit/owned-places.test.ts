import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createContext } from '../../src/context.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { requireOwned } from '../../src/ops/owned-places.ts';

let area: string;
const at = (...names: string[]) => path.join(area, ...names);
const isRoot = process.getuid?.() === 0;

beforeEach(() => {
  area = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbo-')));
  for (const name of ['home', 'cache']) mkdirSync(at(name), { mode: 0o700 });
});
afterEach(() => rmSync(area, { recursive: true }));

/** A context whose user is `me`, of the group with this number, where /etc/group and /etc/passwd say this. */
function contextOf(groups = 'me:x:77:\nteam:x:78:me,you\n', passwd = ''): Ctx {
  const host = createHost({
    ...{ PATH: '/usr/bin', HOME: at('user') },
    ...{ CLONEBOX_HOME: at('home'), CLONEBOX_CACHE: at('cache') },
  });
  const texts: Record<string, string> = { '/etc/group': groups, '/etc/passwd': passwd };
  const files = {
    ...host.files,
    readText: async (file: string) => texts[file] ?? host.files.readText(file),
  };
  const user = { ...host.user, name: 'me', gid: 77 };
  const changed = { ...host, files, user };
  const options = { io: quietIo(), startedAt: 0, trace: createTrace({}) };
  return createContext(options, { host: changed });
}

describe('where CloneBox keeps its own', () => {
  it('may be not there yet, or the user’s alone', async () => {
    await requireOwned(contextOf());
    rmSync(at('cache'), { recursive: true });
    chmodSync(at('home'), 0o755);
    await requireOwned(contextOf());
  });

  it.each([
    ['home', 0o777],
    ['cache', 0o757],
    ['home/secrets.yaml', 0o646],
    ['home/trust.json', 0o602],
    ['home/profiles', 0o707],
  ])('is refused when every user may write to it: %s', async (name, mode) => {
    if (name.endsWith('profiles')) mkdirSync(at(name));
    else if (name.includes('/')) writeFileSync(at(name), '');
    chmodSync(at(name), mode);
    await expect(requireOwned(contextOf())).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining(`${at(name)} can be written by every user`),
      hint: expect.stringContaining(`chmod -R o-w ${at(name)}`),
    });
  });

  it.skipIf(!isRoot)('may be written by the user’s private group, and by no other', async () => {
    chmodSync(at('home'), 0o770);
    chownSync(at('home'), 0, 77);
    await requireOwned(contextOf());
    const refused = { code: 'refused', hint: expect.stringContaining('chmod -R g-w') };
    await expect(requireOwned(contextOf('me:x:77:you\n'))).rejects.toMatchObject(refused);
    const passwd = 'you:x:1001:77::/home/you:/bin/sh\n';
    await expect(requireOwned(contextOf('me:x:77:\n', passwd))).rejects.toMatchObject(refused);
    await expect(requireOwned(contextOf('other:x:5:\n'))).rejects.toMatchObject(refused);
    chownSync(at('home'), 0, 78);
    await expect(requireOwned(contextOf())).rejects.toMatchObject(refused);
  });

  it.skipIf(!isRoot)('is refused when it is somebody else’s', async () => {
    chownSync(at('home'), 1234, 77);
    await expect(requireOwned(contextOf())).rejects.toMatchObject({
      ...{
        code: 'refused',
        message: expect.stringContaining('belongs to another user (uid 1234)'),
      },
      hint: expect.stringContaining(`sudo chown -R 0 ${at('home')}`),
    });
  });
});

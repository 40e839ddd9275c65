import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { VmRecord } from '../core/record.ts';
import type { Paths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { copyIn } from './copy.ts';

const real = createHost();
const record = {
  name: 'shop',
  leases: [{ name: 'ssh', guest: 22, host: 2222 }],
  plan: { user: { name: 'me' } },
} as unknown as VmRecord;
const paths = { vm: () => ({ key: '/k', knownHosts: '/n' }) } as unknown as Paths;

let scratch: string;
let source: string;
let target: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
  source = join(scratch, `so"u r$ce 'x'`);
  target = join(scratch, `ta"r g$et\n'x'`);
  mkdirSync(source);
});
afterEach(() => rmSync(scratch, { recursive: true }));

/** An ssh whose guest is this machine; what it was told comes into a file. */
function hostWith(ssh = 'exec sh -c "$last"'): Host {
  const program = join(scratch, 'ssh');
  const log = join(scratch, 'told');
  writeFileSync(
    program,
    `#!/bin/sh\nfor word; do printf '%s\\n' "$word" >> '${log}'; last=$word; done\n${ssh}\n`,
  );
  chmodSync(program, 0o755);
  return { ...real, require: async (name) => (name === 'ssh' ? program : real.require(name)) };
}

async function copy(
  host: Host,
  { meanwhile = () => {}, ...more }: { meanwhile?: () => void; descriptor?: number } = {},
): Promise<void> {
  const user = { name: 'me', uid: real.user.uid, gid: real.user.gid, shell: '/bin/sh' };
  const opened = await real.openTree(source, { links: 'follow' });
  if (opened.kind !== 'tree') throw new Error(opened.kind);
  meanwhile();
  const options = { source: { ...opened.tree, ...more }, guest: target, user, io: quietIo() };
  await copyIn({ host, paths }, record, options).finally(opened.tree.close);
}

test('a directory that is swapped for a link once it was opened is copied as what it was', async () => {
  writeFileSync(join(source, 'ours'), '');
  mkdirSync(join(scratch, 'secret'));
  writeFileSync(join(scratch, 'secret', 'key'), '');
  await copy(hostWith(), {
    meanwhile: () => {
      renameSync(source, join(scratch, 'moved'));
      symlinkSync('secret', source);
    },
  });
  expect(readdirSync(target)).toEqual(['ours']);
});

test('a copied directory has the same files, links, modes and times', async () => {
  mkdirSync(join(source, 'sub dir'));
  chmodSync(join(source, 'sub dir'), 0o711);
  writeFileSync(join(source, 'sub dir', '-n\nü'), 'content\n');
  chmodSync(join(source, 'sub dir', '-n\nü'), 0o640);
  utimesSync(join(source, 'sub dir', '-n\nü'), 1_600_000_000, 1_600_000_000);
  writeFileSync(join(source, '.hidden'), '');
  symlinkSync('/nowhere', join(source, 'link'));
  await copy(hostWith());
  expect(readdirSync(target).sort()).toEqual(['.hidden', 'link', 'sub dir']);
  expect(readlinkSync(join(target, 'link'))).toBe('/nowhere');
  expect(lstatSync(join(target, 'sub dir')).mode & 0o777).toBe(0o711);
  const file = lstatSync(join(target, 'sub dir', '-n\nü'));
  expect({ mode: file.mode & 0o777, time: file.mtimeMs }).toEqual({
    mode: 0o640,
    time: 1_600_000_000_000,
  });
  expect(readFileSync(join(target, 'sub dir', '-n\nü'), 'utf8')).toBe('content\n');
  // As root of the guest, which may make it anywhere and give it away.
  expect(readFileSync(join(scratch, 'told'), 'utf8')).toContain('User=root\n');
});

test('a guest that cannot take it is an error with its words', async () => {
  const failed = copy(hostWith('echo "tar: No space left on device" >&2; exit 2'));
  await expect(failed).rejects.toMatchObject({
    code: 'guest-failed',
    message: expect.stringContaining('No space left on device'),
    facts: { phase: 'copies', path: source },
  });
});

test('a part that cannot be read here is an error too, though the guest is content', async () => {
  const nothing = openSync('/dev/null', 'r');
  const copied = copy(hostWith('cat > /dev/null'), { descriptor: nothing });
  await expect(copied.finally(() => closeSync(nothing))).rejects.toMatchObject({
    code: 'guest-failed',
    message: expect.stringContaining(source),
  });
  expect(existsSync(target)).toBe(false);
});

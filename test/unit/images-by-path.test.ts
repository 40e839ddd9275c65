import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Host } from '../../src/core/host.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createHost } from '../../src/host/local.ts';
import { createImages } from '../../src/images/images.ts';
import { createPaths } from '../../src/store/paths.ts';

let root: string;
let project: string;
let disk: string;
let other: string;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'cb-')));
  project = join(root, 'project');
  mkdirSync(project);
  disk = join(project, 'disk.raw');
  other = join(root, 'private');
  writeFileSync(disk, 'own');
  writeFileSync(other, 'of the host');
});
afterEach(() => rmSync(root, { recursive: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** What is copied, by its digest: none is the one that is promised, so that nothing is made of it. */
async function copied(path: string, change: (host: Host) => Partial<Host> = () => ({})) {
  const real = createHost({ CLONEBOX_HOME: join(root, 'home') });
  const host = { ...real, ...change(real) };
  const findFloors = async () => (directory: { path: string }) => directory.path === project;
  const images = createImages({ host, paths: createPaths(host), findFloors });
  const promised = { digest: `sha256:${'0'.repeat(64)}` };
  const error = await images.importFile(path, quietIo(), promised).catch((thrown) => thrown);
  return { code: error.code, message: error.message, found: error.facts.found };
}

/** Does this as soon as the path was made canonical: whoever writes there has waited for it. */
const afterwards = (action: () => void) => (host: Host) => ({
  openPlace: async (...args: Parameters<Host['openPlace']>) => {
    const found = await host.openPlace(...args);
    action();
    return found;
  },
});

it('a file is copied, also by the user’s own links', async () => {
  const link = join(root, 'mine');
  symlinkSync(disk, link);
  for (const path of [disk, link]) {
    expect(await copied(path)).toMatchObject({ code: 'refused', found: sha256('own') });
  }
});

it('a link of a project that leads out of it is no image', async () => {
  rmSync(disk);
  symlinkSync(other, disk);
  expect(await copied(disk)).toEqual({
    code: 'refused',
    message: `${disk} is a link that leads out of ${project}, to ${other}`,
  });
});

it('what has become a link since is not followed: the file, and the directory it is in', async () => {
  const toLink = afterwards(() => {
    rmSync(disk);
    symlinkSync(other, disk);
  });
  expect(await copied(disk, toLink)).toEqual({
    code: 'refused',
    message: `${disk} has become a link to ${other}`,
  });
  rmSync(disk);
  writeFileSync(disk, 'own');
  writeFileSync(join(root, 'disk.raw'), 'of the host');
  const toDirectory = afterwards(() => {
    renameSync(project, join(root, 'aside'));
    symlinkSync(root, project);
  });
  expect(await copied(disk, toDirectory)).toEqual({
    code: 'refused',
    message: `${disk} has become a link to ${root}`,
  });
});

it('a pipe in the place of the file is waited for by nobody', async () => {
  const toPipe = afterwards(() => {
    if (existsSync(disk)) rmSync(disk);
    execFileSync('mkfifo', [disk]);
  });
  expect(await copied(disk, toPipe)).toEqual({
    code: 'refused',
    message: `${disk} is not a regular file`,
  });
});

it('what was looked at is what is copied, whatever its name is given to meanwhile', async () => {
  const atRun = (host: Host): Partial<Host> => ({
    run: (...args) => {
      if (args[0][0] === 'cp') {
        renameSync(disk, `${disk}.old`);
        symlinkSync(other, disk);
      }
      return host.run(...args);
    },
  });
  expect(await copied(disk, atRun)).toMatchObject({ code: 'refused', found: sha256('own') });
});

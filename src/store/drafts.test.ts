import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noSuchPid } from '../../test/fixtures/mortal-host.ts';
import { createStoreBed, db, type StoreBed, web } from '../../test/fixtures/store-bed.ts';
import { besideName } from '../core/name.ts';
import { quietIo } from '../core/quiet-io.ts';
import { sweepDrafts } from './drafts.ts';

const io = quietIo();
const draftOf = (pid: number) => `.clonebox-${pid}-0123456789ab.tmp`;

let bed: StoreBed;
beforeEach(() => {
  bed = createStoreBed();
});
afterEach(() => bed.remove());

function put(directory: string, ...names: string[]): void {
  mkdirSync(directory, { recursive: true });
  for (const name of names) writeFileSync(`${directory}/${name}`, 'half');
}

test('only drafts go, and only those whose writer is gone', async () => {
  const others = [
    draftOf(process.pid),
    '.clonebox-x-0123456789ab.tmp',
    `.clonebox-${noSuchPid}-0123.tmp`,
    `x${draftOf(noSuchPid)}`,
    `${draftOf(noSuchPid)}.bak`,
    'record.json',
  ];
  put(bed.paths.home, draftOf(noSuchPid), ...others);
  await sweepDrafts(bed.host, [bed.paths.home, `${bed.paths.home}/not-there`]);
  expect(readdirSync(bed.paths.home).sort()).toEqual(others.sort());
});

test('a recovery sweeps the drafts of its VM, of the one built beside it, and those all share', async () => {
  const { home, journal, auditFile, vm } = bed.paths;
  const shared = [home, journal, dirname(auditFile)];
  const own = [vm(web).directory, vm(besideName(web)).directory];
  const other = vm(db).directory;
  const left = () =>
    [...shared, ...own, other].filter((directory) =>
      readdirSync(directory).includes(draftOf(noSuchPid)),
    );
  for (const directory of [...shared, ...own, other]) put(directory, draftOf(noSuchPid));
  await bed.store.recover(undefined, io);
  expect(left()).toEqual([...own, other]);
  await bed.store.recover(web, io);
  expect(left()).toEqual([other]);
});

test('a recovery makes no directory', async () => {
  await bed.store.recover(web, io);
  expect(readdirSync(bed.paths.home)).toEqual([]);
});

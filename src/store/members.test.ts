import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStoreBed, recordOf, type StoreBed, web } from '../../test/fixtures/store-bed.ts';
import { memberName, waitsFor } from '../core/name.ts';

let bed: StoreBed;
beforeEach(() => {
  bed = createStoreBed();
});
afterEach(() => bed.remove());

test('a machine of the pool is in no list of VMs, and found by its directory or its lock', async () => {
  const { store } = bed;
  const [whole, lockOnly] = [memberName(web), memberName(web)];
  expect(waitsFor(whole)).toBe(web);
  expect([waitsFor('web'), waitsFor('web.new'), waitsFor('x.pool')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  await store.write({ ...recordOf(web), name: whole, phase: 'pooled' });
  mkdirSync(store.paths.locks, { recursive: true });
  writeFileSync(`${store.paths.locks}/${lockOnly}.lock`, '');
  expect(await store.names()).toEqual([]);
  expect(await store.members()).toEqual([whole, lockOnly].sort());
  expect((await store.read(whole))?.plan.name).toBe(web);

  for (const name of [whole, lockOnly]) await store.forgetMember(name);
  expect(await store.members()).toEqual([]);
  expect(existsSync(store.paths.vm(whole).directory)).toBe(false);
  await expect(store.forgetMember(web)).rejects.toThrow('no machine of the pool');
});

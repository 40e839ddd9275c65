import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../core/host.ts';
import { besideName, namePattern, parseVmName, type VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import type { Paths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { createPaths } from './paths.ts';
import { readRecord, recordNames, storedNames, writeRecord } from './records.ts';

const web = parseVmName('web');
let host: Host;
let paths: Paths;
beforeEach(() => {
  host = createHost({ CLONEBOX_HOME: mkdtempSync(join(tmpdir(), 'cb-')) });
  paths = createPaths(host);
});
afterEach(() => rmSync(paths.home, { recursive: true }));

const text = fc.string({ unit: 'binary', maxLength: 20 });
const texts = fc.array(text, { maxLength: 3 });
const port = fc.integer({ min: 1, max: 65_535 });
const size = fc.integer({ min: 1, max: 2 ** 45 });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const list = <T>(value: fc.Arbitrary<T>) => fc.array(value, { maxLength: 2 });
const object = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record<T>(model, { noNullPrototype: true });
// The schema leaves out `__proto__`: no variable and no option has that name.
const key = text.filter((name) => name !== '__proto__');
const map = fc.dictionary(key, text, { maxKeys: 3, noNullPrototype: true });
const vmName = fc.stringMatching(namePattern).map((name) => parseVmName(name));

function planOf(name: VmName): fc.Arbitrary<VmRecord['plan']> {
  return object({
    name: fc.constant(name),
    project: maybe(text),
    configFile: maybe(text),
    driver: text,
    image: text,
    cpus: fc.integer({ min: 1, max: 512 }),
    memory: size,
    disk: size,
    accel: fc.constantFrom('auto', 'kvm', 'tcg'),
    shareDriver: fc.constantFrom('auto', '9p', 'virtiofs'),
    memoryMode: fc.constantFrom('auto', 'own', 'shared'),
    templates: object<VmPlan['templates']>({
      warm: fc.boolean(),
      resident: texts,
      pool: fc.nat(64),
    }),
    user: object({ name: text, uid: fc.nat(), gid: fc.nat(), shell: text }),
    auth: object({
      method: fc.constantFrom('ssh_key', 'one_time_password', 'password'),
      keys: texts,
    }),
    authorizedKeys: texts,
    shares: list(object({ host: text, guest: text, mode: fc.constantFrom('rw', 'ro', 'copy') })),
    packages: list(
      object({
        name: text,
        version: maybe(text),
        finding: object({
          source: text,
          confidence: fc.constantFrom('certain', 'likely', 'guess'),
          reason: text,
        }),
      }),
    ),
    snapPackages: texts,
    services: texts,
    run: list(
      object({
        name: text,
        command: texts,
        cwd: text,
        env: map,
        port: maybe(port),
        restart: fc.constantFrom('no', 'on-failure', 'always'),
      }),
    ),
    provision: list(
      fc.oneof(
        object({
          kind: fc.constant('run' as const),
          run: text,
          as: fc.constantFrom('root', 'user'),
        }),
        object({
          kind: fc.constant('file' as const),
          path: text,
          content: text,
          mode: fc.integer({ min: 0, max: 0o7777 }),
        }),
      ),
    ),
    postCommands: texts,
    ports: list(object({ name: text, guest: port, host: maybe(port) })),
    egress: fc.constantFrom('full', 'none', 'allowlist'),
    allow: texts,
    hostPorts: list(port),
    directory: fc.string(),
    environment: map,
    secrets: list(
      object({
        name: text,
        provider: text,
        key: text,
        path: maybe(text),
        mode: fc.integer({ min: 0, max: 0o777 }),
        owner: text,
        service: maybe(text),
      }),
    ),
    secretOptions: map,
    withheld: list(object({ path: text, reason: text })),
  });
}

function recordOf(name: VmName): fc.Arbitrary<VmRecord> {
  const required = object<VmRecord>({
    version: fc.constant(1 as const),
    name: fc.constant(name),
    uuid: text,
    mac: text,
    created: text,
    phase: fc.constantFrom('creating', 'ready', 'pooled'),
    plan: planOf(name),
    image: object({
      reference: text,
      digest: text,
      setup: fc.constantFrom('agent', 'cloud-init'),
      boot: fc.oneof(
        object({
          kind: fc.constant('direct' as const),
          kernel: text,
          initrd: text,
          commandLine: text,
        }),
        object({ kind: fc.constant('firmware' as const) }),
      ),
    }),
    layout: fc.nat(),
    machine: text,
    leases: list(object({ name: text, guest: port, host: port })),
  });
  const optional = fc.record<Pick<VmRecord, 'failure' | 'overrides' | 'addedPorts'>>(
    {
      failure: text,
      overrides: fc.dictionary(key, fc.oneof(text, fc.integer()), { noNullPrototype: true }),
      addedPorts: list(object({ name: text, guest: port, host: maybe(port) })),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  return fc.tuple(required, optional).map(([record, rest]) => ({ ...record, ...rest }));
}

const sample = (name: VmName) => fc.sample(recordOf(name), { numRuns: 1, seed: 7 })[0] as VmRecord;
const broken = (reason: string) =>
  expect.objectContaining({
    code: 'conflict',
    message: expect.stringMatching(/^VM web is broken/),
    hint: expect.stringContaining('clonebox recover web'),
    facts: expect.objectContaining({ state: 'broken', reason: expect.stringContaining(reason) }),
  });

function store(content: string): void {
  mkdirSync(paths.vm(web).directory, { recursive: true });
  writeFileSync(paths.vm(web).record, content);
}

test('every record that is written is read back as it was', async () => {
  await fc.assert(
    fc.asyncProperty(vmName.chain(recordOf), async (record) => {
      await writeRecord(host, paths, record);
      expect(await readRecord(host, paths, record.name)).toStrictEqual(record);
    }),
    { numRuns: 60 },
  );
});

test('there is no record without a directory, nor in an empty one', async () => {
  expect(await readRecord(host, paths, web)).toBeUndefined();
  mkdirSync(paths.vm(web).directory, { recursive: true });
  expect(await readRecord(host, paths, web)).toBeUndefined();
});

test('record and directory are private', async () => {
  await writeRecord(host, paths, sample(web));
  expect(statSync(paths.vm(web).record).mode & 0o777).toBe(0o600);
  expect(statSync(paths.vm(web).directory).mode & 0o777).toBe(0o700);
});

test('a record cut off at any byte makes the VM broken, never another VM', async () => {
  const whole = `${JSON.stringify(sample(web))}`;
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (end) => {
      store(whole.slice(0, end));
      await expect(readRecord(host, paths, web)).rejects.toEqual(broken(''));
    }),
    { numRuns: 50 },
  );
});

test('the error names the field that is wrong', async () => {
  store(JSON.stringify({ ...sample(web), phase: 'melting' }));
  await expect(readRecord(host, paths, web)).rejects.toEqual(broken('phase'));
});

test('the record of another VM is not taken for this one', async () => {
  store(JSON.stringify(sample(parseVmName('db'))));
  await expect(readRecord(host, paths, web)).rejects.toEqual(broken('record of db'));
});

test('a record may be kept beside the one it will replace, under that name and no other', async () => {
  const beside = besideName(web);
  const record = { ...sample(web), name: beside };
  await writeRecord(host, paths, record);
  expect(await readRecord(host, paths, beside)).toStrictEqual(record);
  expect(await recordNames(host, paths)).toEqual([]);
  expect(await storedNames(host, paths)).toEqual(['web.new']);
  store(JSON.stringify(record));
  await expect(readRecord(host, paths, web)).rejects.toEqual(broken('record of web.new'));
  for (const other of [sample(web), { ...record, plan: sample(parseVmName('db')).plan }]) {
    writeFileSync(paths.vm(beside).record, JSON.stringify(other));
    await expect(readRecord(host, paths, beside)).rejects.toMatchObject({ code: 'conflict' });
  }
});

test('a record that is a directory is broken', async () => {
  mkdirSync(paths.vm(web).record, { recursive: true });
  await expect(readRecord(host, paths, web)).rejects.toEqual(broken('EISDIR'));
});

test('a record of a newer CloneBox is left alone, and not called broken', async () => {
  store(JSON.stringify({ version: 2, name: 'web' }));
  await expect(readRecord(host, paths, web)).rejects.toMatchObject({
    code: 'conflict',
    message: 'VM web was made by a newer CloneBox',
  });
});

test('keys this CloneBox does not know survive a rewrite', async () => {
  const { image } = sample(web);
  store(JSON.stringify({ ...sample(web), later: 1, image: { ...image, signed: true } }));
  const record = await readRecord(host, paths, web);
  await writeRecord(host, paths, record as VmRecord);
  const written = JSON.parse(readFileSync(paths.vm(web).record, 'utf8'));
  expect(written).toMatchObject({ later: 1, image: { signed: true } });
});

test('the names are those of directories that pass the grammar, sorted', async () => {
  expect(await recordNames(host, paths)).toEqual([]);
  for (const entry of ['web', 'db', '1', 'a'.repeat(63)])
    mkdirSync(join(paths.vms, entry), { recursive: true });
  for (const entry of ['Web', '.hidden', '-x', 'a b', 'a'.repeat(64), 'a.b', 'web.new', '.new'])
    mkdirSync(join(paths.vms, entry));
  writeFileSync(join(paths.vms, 'file'), '');
  const names = ['1', 'a'.repeat(63), 'db', 'web'];
  expect(await recordNames(host, paths)).toEqual(names);
  expect(await storedNames(host, paths)).toEqual([...names, 'web.new']);
});

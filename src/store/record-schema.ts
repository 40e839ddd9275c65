import * as z from 'zod';
import { namePattern, storedNamePattern, type VmName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';

// Loose objects: what a later CloneBox of the same record version adds is kept, not lost.

/** A VM's name in a file of ours: also that of one built beside the VM it will replace. */
export const vmName = z
  .string()
  .regex(storedNamePattern, 'not a VM name')
  .transform((name) => name as VmName);

/** A name that users see and type. */
const ownName = z
  .string()
  .regex(namePattern, 'not a VM name')
  .transform((name) => name as VmName);

/** A TCP port. */
export const port = z.int().min(1).max(65_535);

/** `undefined` has no JSON: a key that is absent on disk is `undefined` in memory. */
const maybe = <T extends z.ZodType>(schema: T) =>
  z.union([schema, z.undefined()]).prefault(undefined);

const strings = z.array(z.string());
const stringMap = z.record(z.string(), z.string());

/** A leased host port. */
export const lease = z.looseObject({ name: z.string(), guest: port, host: port });

const bootSpec = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('direct'),
    kernel: z.string(),
    initrd: z.string(),
    commandLine: z.string(),
  }),
  z.looseObject({ kind: z.literal('firmware') }),
]);

const provisionStep = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('run'), run: z.string(), as: z.enum(['root', 'user']) }),
  z.looseObject({
    kind: z.literal('file'),
    path: z.string(),
    content: z.string(),
    mode: z.int(),
  }),
]);

const vmPlan = z.looseObject({
  name: ownName,
  project: maybe(z.string()),
  configFile: maybe(z.string()),
  driver: z.string(),
  image: z.string(),
  cpus: z.int().positive(),
  memory: z.int().positive(),
  disk: z.int().positive(),
  accel: z.enum(['auto', 'kvm', 'tcg']),
  shareDriver: z.enum(['auto', '9p', 'virtiofs']),
  // Those of before there was a choice had their memory for themselves.
  memoryMode: z.enum(['auto', 'own', 'shared']).prefault('auto'),
  templates: z
    .looseObject({ warm: z.boolean(), resident: strings, pool: z.int().prefault(0) })
    .prefault({ warm: true, resident: [], pool: 0 }),
  user: z.looseObject({ name: z.string(), uid: z.int(), gid: z.int(), shell: z.string() }),
  auth: z.looseObject({
    method: z.enum(['ssh_key', 'one_time_password', 'password']),
    keys: strings,
    password: z.exactOptional(z.looseObject({ key: z.string(), provider: z.string() })),
  }),
  authorizedKeys: strings,
  shares: z.array(
    z.looseObject({ host: z.string(), guest: z.string(), mode: z.enum(['rw', 'ro', 'copy']) }),
  ),
  directory: z.string(),
  packages: z.array(
    z.looseObject({
      name: z.string(),
      version: maybe(z.string()),
      finding: z.looseObject({
        source: z.string(),
        confidence: z.enum(['certain', 'likely', 'guess']),
        reason: z.string(),
      }),
    }),
  ),
  snapPackages: strings,
  services: strings,
  run: z.array(
    z.looseObject({
      name: z.string(),
      command: strings,
      cwd: z.string(),
      env: stringMap,
      port: maybe(port),
      restart: z.enum(['no', 'on-failure', 'always']),
    }),
  ),
  provision: z.array(provisionStep),
  postCommands: strings,
  ports: z.array(z.looseObject({ name: z.string(), guest: port, host: maybe(port) })),
  // A VM of before there was a choice reaches everything.
  egress: z.enum(['full', 'none', 'allowlist']).prefault('full'),
  allow: strings.prefault([]),
  hostPorts: z.array(port),
  environment: stringMap,
  secrets: z.array(
    z.looseObject({
      name: z.string(),
      provider: z.string(),
      key: z.string(),
      path: maybe(z.string()),
      mode: z.int(),
      owner: z.string(),
      service: maybe(z.string()),
    }),
  ),
  secretOptions: z.record(z.string(), z.unknown()),
  withheld: z.array(z.looseObject({ path: z.string(), reason: z.string() })),
});

/** `record.json`, version 1. */
export const vmRecord = z.looseObject({
  version: z.literal(1),
  name: vmName,
  uuid: z.string(),
  mac: z.string(),
  created: z.string(),
  phase: z.enum(['creating', 'ready', 'pooled']),
  plan: vmPlan,
  image: z.looseObject({
    reference: z.string(),
    digest: z.string(),
    setup: z.enum(['agent', 'cloud-init']),
    boot: bootSpec,
  }),
  template: z.exactOptional(z.looseObject({ key: z.string(), warm: z.exactOptional(z.string()) })),
  layout: z.int(),
  machine: z.string(),
  leases: z.array(lease),
  addedPorts: z.exactOptional(
    z.array(z.looseObject({ name: z.string(), guest: port, host: maybe(port) })),
  ),
  overrides: z.exactOptional(z.record(z.string(), z.union([z.string(), z.number()]))),
  failure: z.exactOptional(z.string()),
}) satisfies z.ZodType<VmRecord>;

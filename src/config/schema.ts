import * as z from 'zod';
import { reasonOf } from '../core/errors.ts';
import * as field from './fields.ts';
import { parseGuestPath, parseMountPoint, parseWorkingDirectory } from './guest-path.ts';
import { parsePort, parsePortPair, portKeys } from './port.ts';
import { provisionStep } from './provision-step.ts';
import { removeSchema } from './remove-schema.ts';
import { providerName, secretsSchema } from './secrets-schema.ts';
import { hasVariable, variableProblem } from './variables.ts';

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const TiB = 1024 ** 4;

/** What a machine may have at least and at most; sizes in bytes. */
export const bounds = {
  cpus: { least: 1, most: 256 },
  memory: { least: 128 * MiB, most: 16 * TiB },
  disk: { least: GiB, most: 64 * TiB },
} as const;

const guestPath = field.parsed(parseGuestPath);
const mountPoint = field.parsed(parseMountPoint);
const guestPlace = field.parsed((text) => (text === 'same' ? text : parseMountPoint(text)));

const shell = field.parsed((text) => {
  const path = parseGuestPath(text);
  if (/[:\s]/.test(path)) throw new RangeError('is not the path of a shell');
  return path;
});

const id = field.wholeNumber(0, 2 ** 32 - 2);
const port = field.parsed(parsePort);
const expandable = field.text((value) => {
  return value.includes('\0') ? 'holds a zero byte' : variableProblem(value);
});
const portPair = field.text((value) => {
  if (hasVariable(value)) return variableProblem(value);
  try {
    parsePortPair(value);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
});

const itself = (value: string) => [value];
const nothing = z.strictObject({});
const noItems = z.array(z.never());

const vm = z.strictObject({
  name: field.vmName.optional(),
  driver: field.oneOf(['qemu'], ['libvirt', 'incus']).optional(),
  image: field.image.optional(),
  cpus: field.wholeNumber(bounds.cpus.least, bounds.cpus.most).optional(),
  memory: field.size(bounds.memory.least, bounds.memory.most).optional(),
  disk: field.size(bounds.disk.least, bounds.disk.most).optional(),
  accel: field.oneOf(['auto', 'kvm', 'tcg']).optional(),
  gui: field.reserved(z.literal(false)).optional(),
  user: z
    .strictObject({
      name: field.userName.optional(),
      uid: id.optional(),
      gid: id.optional(),
      shell: shell.optional(),
    })
    .optional(),
  auth: z
    .strictObject({
      method: field.oneOf(['ssh_key', 'one_time_password', 'password']).optional(),
      ssh_public_key: field.publicKey.nullable().optional(),
      ssh_keys: z.array(field.keySource).optional(),
      password: z
        .strictObject({ key: field.filledWord, provider: providerName.optional() })
        .optional(),
    })
    .optional(),
  share_driver: field.oneOf(['auto', '9p', 'virtiofs']).optional(),
  memory_mode: field.oneOf(['auto', 'own', 'shared']).optional(),
});

const network = z.strictObject({
  mode: field.oneOf(['user']).optional(),
  egress: field.oneOf(['full', 'none', 'allowlist']).optional(),
  allow: field.unique(field.allowedHost, itself).optional(),
  host_ports: field.unique(port, (value) => [`port ${value}`]).optional(),
});

const share = z.strictObject({
  host: field.filledWord,
  guest: guestPlace.optional(),
  mode: field.oneOf(['rw', 'ro', 'copy']).optional(),
});

const runUnit = z.strictObject({
  command: z.array(field.word).min(1, 'is empty: name the program'),
  cwd: field.parsed(parseWorkingDirectory).optional(),
  env: z.record(field.variableName, field.word).optional(),
  port: port.optional(),
  restart: field.oneOf(['no', 'on-failure', 'always']).optional(),
});

/** `.clonebox.yaml`, version 2: every key, and nothing else (docs/reference/config.md). No defaults: `resolvePlan` has them. */
export const configSchema = z.strictObject({
  version: field.oneOf(['2']),
  profiles: field.profileNames.optional(),
  remove: removeSchema.optional(),
  vm: vm.optional(),
  network: network.optional(),
  shares: z.array(share).optional(),
  paths: z.record(field.filledWord, mountPoint).optional(),
  packages: field.unique(field.packageName, (value) => [value.replace(/=.*/, '')]).optional(),
  snap_packages: field.unique(field.snapName, itself).optional(),
  services: field.unique(field.serviceName, itself).optional(),
  run: z.record(field.runName, runUnit).optional(),
  provision: z.array(provisionStep(guestPath)).optional(),
  post_commands: z.array(field.filledWord).optional(),
  ports: field.unique(portPair, portKeys).optional(),
  environment: z.record(field.variableName, expandable).optional(),
  secrets: secretsSchema.optional(),
  health_checks: field.reserved(noItems).optional(),
  limits: field.reserved(nothing).optional(),
  snapshots: field.reserved(nothing).optional(),
  templates: z
    .strictObject({
      warm: z.boolean().optional(),
      resident: field.unique(field.serviceName, itself).optional(),
      pool: field.wholeNumber(0, 64).optional(),
    })
    .optional(),
});

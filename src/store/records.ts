import * as z from 'zod';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { besideName, namePattern, storedNamePattern, type VmName, waitsFor } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import type { Paths } from '../core/store.ts';
import { vmRecord } from './record-schema.ts';

const newest = 1;

/**
 * The record of a VM, `undefined` when there is none. Fails with `conflict` when the VM is broken: its record
 * cannot be read, is damaged, is another VM's, or was written by a newer CloneBox.
 */
export async function readRecord(
  host: Host,
  paths: Paths,
  name: VmName,
): Promise<VmRecord | undefined> {
  const path = paths.vm(name).record;
  const text = await host.files.readText(path).catch((error: unknown) => {
    throw broken(name, path, reasonOf(error));
  });
  if (text === undefined) return undefined;
  const record = parseRecord(name, path, text);
  if (record.name === name && isOf(record, name)) return record;
  throw broken(name, path, `it is the record of ${record.name}`);
}

function isOf({ plan }: VmRecord, name: VmName): boolean {
  return [name, waitsFor(name)].includes(plan.name) || besideName(plan.name) === name;
}

function parseRecord(name: VmName, path: string, text: string): VmRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw broken(name, path, reasonOf(error));
  }
  const version = z.looseObject({ version: z.int() }).safeParse(json).data?.version;
  if (version !== undefined && version > newest) {
    throw new CloneboxError('conflict', `VM ${name} was made by a newer CloneBox`, {
      hint: 'Use that version of CloneBox, or update this one.',
      facts: { vm: name, path, version, newest },
    });
  }
  const parsed = vmRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw broken(name, path, `${issue?.path.join('.') || 'record'}: ${issue?.message ?? 'invalid'}`);
}

function broken(name: VmName, path: string, reason: string): CloneboxError {
  return new CloneboxError('conflict', `VM ${name} is broken: ${path} cannot be read (${reason})`, {
    hint: `Undo what was interrupted with \`clonebox recover ${name}\`, or remove the VM with \`clonebox delete ${name}\`.`,
    facts: { vm: name, state: 'broken', path, reason },
  });
}

/** Writes a VM's record, whole or not at all, and makes its directory unless it is there. */
export async function writeRecord(host: Host, paths: Paths, record: VmRecord): Promise<void> {
  const { directory, record: path } = paths.vm(record.name);
  await host.files.makeDirectory(directory, 0o700);
  await host.files.writeAtomic(path, formatRecord(record));
}

/** The content of `record.json`. */
export function formatRecord(record: VmRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

/** The names of all VMs that have a directory, broken ones too, sorted. */
export async function recordNames(host: Host, paths: Paths): Promise<VmName[]> {
  return (await storedNames(host, paths)).filter((name) => namePattern.test(name));
}

/** As `recordNames`, and those that are built beside another. */
export async function storedNames(host: Host, paths: Paths): Promise<VmName[]> {
  const names: VmName[] = [];
  for (const entry of await host.files.list(paths.vms)) {
    if (!storedNamePattern.test(entry)) continue;
    const facts = await host.files.facts(`${paths.vms}/${entry}`);
    if (facts?.kind === 'directory') names.push(entry as VmName);
  }
  return names.sort();
}

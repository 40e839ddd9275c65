import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Bed } from './bed.ts';
import type { Operation } from './operations.ts';

/** What is there, without what differs between two runs of the same thing. */
export interface Model {
  readonly vms: Readonly<Record<string, unknown>>;
  readonly leases: unknown;
  readonly trash: readonly string[];
  readonly project: readonly string[];
  readonly images: readonly string[];
  /** What the guest tells, of an operation that changes it. */
  readonly inside: unknown;
}

interface Listed {
  readonly name: string;
  readonly state: string;
}

const entries = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []).sort();

function read(file: string): Record<string, unknown> {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** The state of everything; `list` must answer for it. */
export async function modelOf(bed: Bed, operation?: Pick<Operation, 'observe'>): Promise<Model> {
  const { home, cache, project } = bed;
  const { vms } = (await bed.run(['list', '--json'])).json<{ vms: Listed[] }>();
  const described = vms.map(({ name, state }) => {
    const directory = path.join(home, 'vms', name);
    const { uuid, mac, created, ...record } = read(path.join(directory, 'record.json'));
    const identity = [uuid, mac, created].every((value) => typeof value === 'string');
    return [name, { state, identity, record, files: entries(directory) }] as const;
  });
  return {
    vms: Object.fromEntries(described),
    leases: read(path.join(home, 'leases.json')).leases ?? [],
    trash: entries(path.join(home, 'trash')).map((name) => name.replace(/-\d{4}-.*/, '')),
    project: entries(project),
    images: entries(path.join(cache, 'images')),
    inside: await operation?.observe?.(bed),
  };
}

/** What a settled state directory must not have. */
export function leftovers(bed: Bed, model: Model): string[] {
  const { home } = bed;
  const running = Object.values(model.vms).filter((vm) => (vm as Listed).state === 'running');
  const all = readdirSync(home, { recursive: true, encoding: 'utf8' });
  const processes = spawnSync('pgrep', ['-af', '--', `${home}/`], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line !== '' && !line.includes('pgrep'));
  const leased = new Set((model.leases as { vm: string }[]).map(({ vm }) => vm));
  return [
    ...(running.length === 0 ? processes.map((line) => `process ${line.slice(0, 120)}`) : []),
    ...(entries(path.join(home, 'run/vms')).length > running.length ? ['a runtime directory'] : []),
    ...entries(path.join(home, 'journal')).map((name) => `journal/${name}`),
    ...all.filter((name) => /\.clonebox-.*\.tmp$|\.removing-|\.new(\/|$)/.test(name)),
    ...entries(bed.project).filter((name) => name.endsWith('.tmp')),
    ...entries(path.join(bed.cache, 'images')).filter((name) => name.startsWith('.')),
    ...[...leased].filter((name) => !(name in model.vms)).map((name) => `ports of ${name}`),
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`${home}/`)),
  ];
}

/** Lines of the audit log for an event. */
export function recorded(bed: Bed, event: string): number {
  const file = path.join(bed.home, 'audit/audit.jsonl');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.split('\n').filter((line) => line.includes(`"event":"${event}"`)).length;
}

import type { DetectInput } from '../core/detect.ts';
import { askProgram } from './ask-program.ts';
import { baseName, below } from './paths.ts';

/** A service as systemd has it. */
export interface Unit {
  /** `nginx.service`. */
  readonly name: string;
  readonly running: boolean;
  readonly enabled: boolean | null;
  /** systemd's own word: running, exited, dead, failed. */
  readonly state: string;
}

/** True where systemd is in charge: its own test (sd_booted). */
export async function isBooted({ host, scope }: DetectInput): Promise<boolean> {
  const facts = await host.files
    .facts(below(scope.root, '/run/systemd/system'))
    .catch(() => undefined);
  return facts?.kind === 'directory';
}

/** What every machine with systemd has, and nobody would move to another one. */
const machinery = [
  'systemd-.+|user@.*|user-runtime-dir@.*|modprobe@.*|kmod.*|initrd-.+|ldconfig|quotaon',
  '((serial|console|container)-)?getty(@.*|-static)?|autovt@.*|emergency|rescue|debug-shell',
  'dbus(-broker|-org[.].+)?|polkit|rtkit-daemon|plymouth.*|rc-local|grub-.+|e2scrub_.+|fstrim',
  'keyboard-setup|console-setup|setvtrgb|finalrd|secureboot-db|pollinate|blk-availability',
  'apt-.+|dpkg-db-backup|apport.*|update-notifier-.+|motd-news|man-db|logrotate|snapd[.].+',
];
const machineryPattern = new RegExp(`^(${machinery.join('|')})[.]service$`);

/** True of a unit that belongs to the system itself. */
export function isMachinery(unit: string): boolean {
  return machineryPattern.test(unit);
}

/**
 * The services that run or start at boot, by systemd's two lists of all units; `undefined` when it has none to give. Those of
 * the system itself are left out.
 */
export async function readUnits(input: DetectInput): Promise<Unit[] | undefined> {
  const plain = ['--type=service', '--all', '--no-legend', '--no-pager', '--full'];
  const [loaded, installed] = await Promise.all([
    askProgram(input, ['systemctl', 'list-units', '--plain', ...plain]),
    askProgram(input, ['systemctl', 'list-unit-files', ...plain]),
  ]);
  if (loaded === undefined) return undefined;
  const states = parseUnitFiles(installed ?? '');
  const units = parseUnits(loaded, states);
  if (units.length === 0 && loaded.trim() !== '') {
    input.note('what systemctl says is not understood');
    return undefined;
  }
  const known = new Set(units.map(({ name }) => name));
  for (const [name, enabled] of states) {
    // A template is no service.
    if (!enabled || known.has(name) || name.includes('@.')) continue;
    if (await isAlias(input, name)) continue;
    units.push({ name, running: false, enabled, state: 'dead' });
  }
  return units.filter(
    ({ name, running, enabled }) => (running || enabled === true) && !isMachinery(name),
  );
}

const most = 5000;

function parseUnits(said: string, states: ReadonlyMap<string, boolean>): Unit[] {
  const units: Unit[] = [];
  for (const line of said.split('\n', most)) {
    // Some versions put a dot before what has failed.
    const [, name, load, active, state] =
      /^\W*([\w.:@\\-]+\.service)\s+(\S+)\s+(\S+)\s+([a-z-]+)(?:\s|$)/.exec(line) ?? [];
    if (name === undefined || state === undefined || load !== 'loaded') continue;
    const enabled = states.get(name) ?? (states.get(templateOf(name)) === true ? true : null);
    units.push({ name, running: active === 'active' && state === 'running', enabled, state });
  }
  return units;
}

/** Whether units start at boot. Of those for which it is not said by them (static, generated), nothing is said. */
function parseUnitFiles(said: string): Map<string, boolean> {
  const states = new Map<string, boolean>();
  for (const line of said.split('\n', most)) {
    const [, name, state] = /^([\w.:@\\-]+\.service)\s+([a-z-]+)(?:\s|$)/.exec(line) ?? [];
    if (name === undefined) continue;
    if (state === 'enabled' || state === 'enabled-runtime') states.set(name, true);
    if (state === 'disabled' || state === 'masked') states.set(name, false);
  }
  return states;
}

function templateOf(name: string): string {
  return name.replace(/@.*(?=\.service$)/, '@');
}

/** Older versions call another name of a unit enabled as well. */
async function isAlias({ host, scope }: DetectInput, name: string): Promise<boolean> {
  const path = below(scope.root, `/etc/systemd/system/${name}`);
  const target = await host.files.readLink(path).catch(() => undefined);
  return target !== undefined && baseName(target) !== name;
}

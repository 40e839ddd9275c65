import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import type { Secret } from '../core/secret.ts';
import type { PlannedSecret, SecretValue } from '../core/secrets.ts';
import { parsePasswd } from './accounts.ts';
import type { GuestFile } from './archive.ts';
import { environmentLine } from './environment-file.ts';
import { inPhase, runInGuest } from './phase.ts';
import { putFiles } from './put-files.ts';
import { runUnitName } from './units.ts';

/** A tmpfs of its own: unmounting it is what takes all of them away at once. */
const directory = '/run/clonebox/secrets';
/** The variables of each unit, for systemd alone. */
const environments = `${directory}/.environment`;
/** Filled beside the others and moved over them, so that whoever reads one finds it whole. */
const fresh = `${directory}/.fresh`;

const dropIn = 'clonebox-secrets.conf';
const phase = { id: 'secrets', title: 'Handing over secrets' };

/**
 * Puts secrets where their plan says, in memory only, and starts the services that get them: what was there before is
 * replaced, and what is not asked for any more goes. May be repeated; a guest that boots again has none of them.
 */
export async function deliverSecrets(
  guest: Guest,
  { plan, secrets }: { plan: VmPlan; secrets: readonly SecretValue[] },
  io: Io,
): Promise<void> {
  if (secrets.length === 0) return;
  await inPhase(phase, io, async () => {
    const ids = await accountsOf(guest, io);
    const files = secrets.flatMap((one) => secretFiles(one, ids));
    const units = unitsOf(plan);
    await runInGuest(guest, ['/bin/sh', '-c', makeRoom], { io, phase, shown: 'mounting a tmpfs' });
    await putFiles(guest, [...files, ...unitFiles(plan, secrets)], {
      ...{ io, phase },
      script: [replaceAll, 'systemctl daemon-reload', ...restart(units)].join('\n'),
    });
  });
}

/**
 * Takes every secret out of a running guest, before its memory is kept: the services that had them in their environment
 * are stopped. `deliverSecrets` puts them back. May be repeated.
 */
export async function removeSecrets(guest: Guest, plan: VmPlan, io: Io): Promise<void> {
  if (plan.secrets.length === 0) return;
  const units = unitsOf(plan);
  const others = plan.secrets.flatMap(({ path }) => path ?? []);
  const script = `${units.length > 0 ? 'systemctl stop "$@"\n' : ''}
if mountpoint -q ${directory}; then umount ${directory}; fi
# Input of a command that whoever died had not begun yet.
rm -f /run/clonebox/exec-*.in`;
  await inPhase({ id: 'secrets', title: 'Taking secrets away' }, io, async () => {
    await runInGuest(guest, ['/bin/sh', '-ec', script, 'sh', ...units], { io, phase });
    if (others.length > 0) await runInGuest(guest, ['rm', '-f', '--', ...others], { io, phase });
  });
}

const makeRoom = `set -e
mkdir -p ${directory}
mountpoint -q ${directory} ||
  mount -t tmpfs -o mode=0755,nosuid,nodev,noexec,size=64m clonebox-secrets ${directory}
rm -rf ${fresh}`;

/** What is not among the new ones goes; a rename replaces a file in one step. */
const replaceAll = `find ${directory} -mindepth 1 -maxdepth 1 ! -name .fresh ! -name .environment -type f | while IFS= read -r old; do
  [ -e "${fresh}/\${old##*/}" ] || rm -f -- "$old"
done
find ${fresh} -mindepth 1 -maxdepth 1 -type f -exec mv -f -t ${directory} -- {} +
rm -rf ${fresh}`;

function restart(units: readonly string[]): string[] {
  return units.length === 0 ? [] : [`systemctl restart ${units.join(' ')}`];
}

function secretFiles({ planned, value }: SecretValue, ids: Accounts): GuestFile[] {
  const owner = ids(planned);
  const path = planned.path ?? `${fresh}/${planned.name}`;
  return [
    { path: fresh, directory: true, mode: 0o755 },
    { path, bytes: value.bytes(), mode: planned.mode, ...owner },
  ];
}

/** Each unit's variables, and the drop-in that names them: both are gone at the next boot. */
function unitFiles(plan: VmPlan, secrets: readonly SecretValue[]): GuestFile[] {
  return servicesOf(plan).flatMap((service) => {
    const unit = unitOf(plan, service);
    const lines = secrets.filter(({ planned }) => planned.service === service).map(variableLine);
    const file = `${environments}/${unit}`;
    return [
      { path: environments, directory: true, mode: 0o700 },
      { path: file, content: `${lines.join('\n')}\n`, mode: 0o400 },
      {
        path: `/run/systemd/system/${unit}.d/${dropIn}`,
        content: `[Service]\nEnvironmentFile=${file}\n`,
      },
    ];
  });
}

/** A secret as a variable of a unit. Not every one can be that. */
function variableLine({ planned, value }: SecretValue): string {
  const line = textOf(value);
  const written = line === undefined ? undefined : environmentLine(planned.name, line);
  if (written !== undefined) return written;
  throw new CloneboxError(
    'refused',
    `the secret ${planned.name} cannot be a variable of ${planned.service}: it is no plain text`,
    { hint: `Take \`service\` out, and read /run/clonebox/secrets/${planned.name} instead.` },
  );
}

function textOf(value: Secret): string | undefined {
  try {
    return value.reveal();
  } catch {
    return undefined;
  }
}

/** The units that have a secret in their environment. */
function unitsOf(plan: VmPlan): string[] {
  return servicesOf(plan).map((service) => unitOf(plan, service));
}

/** The commands and services that are started with secrets. */
export function servicesOf(plan: VmPlan): string[] {
  return [...new Set(plan.secrets.flatMap(({ service }) => service ?? []))];
}

function unitOf(plan: VmPlan, service: string): string {
  const unit = plan.run.find(({ name }) => name === service);
  if (unit !== undefined) return runUnitName(unit);
  return service.includes('.') ? service : `${service}.service`;
}

type Accounts = (planned: PlannedSecret) => { uid: number; gid: number };

/** Owners by their names, as the guest has them. */
async function accountsOf(guest: Guest, io: Io): Promise<Accounts> {
  const text = Buffer.from((await guest.readFile('/etc/passwd', io)) ?? []).toString('utf8');
  const accounts = new Map(parsePasswd(text).map((entry) => [entry.name, entry]));
  return ({ name, owner }) => {
    const account = accounts.get(owner);
    if (account !== undefined) return { uid: account.uid, gid: account.gid };
    throw new CloneboxError(
      'guest-failed',
      `the secret ${name} is for ${owner}, who is not there`,
      {
        hint: 'Name a user of the guest in its `owner`, or leave it out.',
        facts: { name, owner },
      },
    );
  };
}

import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import type { SetupInput, Workstation } from '../core/setup.ts';
import { keepingMark } from '../core/template.ts';
import { shellQuote } from '../lib/quote.ts';
import { sha256 } from '../lib/sha256.ts';
import { homeOf } from './accounts.ts';
import { databaseScript } from './database-script.ts';
import { atFixedAddresses } from './fixed-addresses.ts';
import { userFiles } from './identity.ts';
import { installScript } from './install-script.ts';
import { inPhase, runInGuest } from './phase.ts';
import { putFiles } from './put-files.ts';
import { helperFiles } from './resident/helper-script.ts';
import { shareFiles } from './shares.ts';
import { installSoftware } from './software.ts';
import { sshFiles } from './ssh-service.ts';
import { aptProxyFile, profileFile, workstationFiles, workstationScript } from './workstation.ts';

/** Makes what is later regenerated in each clone, where a package made it in the template (Debian's ssl-cert). */
const missingScript = '/usr/local/lib/clonebox/make-missing';

/** The units that were running in a template for themselves, and go on in each clone. */
const stoppedServices = '/var/lib/clonebox/services';

/** The template's part of a guest: user, workstation, software. Nothing of one VM is put in. */
export async function bakeGuest(
  guest: Guest,
  { plan, workstation, io }: { plan: VmPlan; workstation: Workstation; io: Io },
): Promise<void> {
  const phase = { id: 'base', title: 'Making the user' };
  await inPhase(phase, io, async () => {
    const files = [
      ...(await userFiles(guest, plan.user, io)),
      ...workstationFiles(workstation, {}),
      ...shareFiles([]),
      ...helperFiles(),
      { path: missingScript, content: makeMissing, mode: 0o755 },
      { path: '/etc/systemd/system/clonebox-missing.service', content: missingUnit },
      ...wanted('sysinit.target', 'clonebox-missing.service'),
      ...sshFiles(),
      { path: '/etc/systemd/system/systemd-random-seed.service', link: '/dev/null' },
    ];
    // Its systemd reads the units when they are wanted, at the next boot: to read all anew now would take seconds.
    const script = workstationScript(workstation).join('\n');
    await putFiles(guest, files, { io, phase, script });
  });
  await installSoftware(guest, plan, io);
}

/** Waits until a freshly booted guest has started everything and does nothing more. */
export async function quietGuest(guest: Guest, io: Io, sleep: Sleep): Promise<void> {
  await guest.exec(['systemctl', 'is-system-running', '--wait'], io, { timeout: 600_000 });
  // Jobs of user and system have ended; what still runs shows in the processors' time (proc(5)).
  let before = await busyTicks(guest, io);
  for (let quiet = 0, left = 240; quiet < 2 && left > 0; left--) {
    await sleep(250, io.signal);
    const now = await busyTicks(guest, io);
    quiet = now - before < 4 ? quiet + 1 : 0;
    before = now;
  }
}

type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>;

async function busyTicks(guest: Guest, io: Io): Promise<number> {
  const text = Buffer.from((await guest.readFile('/proc/stat', io)) ?? []).toString('utf8');
  const [, user = 0, nice = 0, system = 0] = (text.split('\n')[0] ?? '').split(/\s+/).map(Number);
  return user + nice + system;
}

/**
 * Takes out of a guest what no two machines may share and what nobody needs, then looks whether it is all gone. `stay` are
 * units that go on; with `undefined` all do, since the machine is about to be powered off. Fails with `guest-failed` and
 * names what is left.
 */
export async function cleanGuest(
  guest: Guest,
  { plan, stay, io }: { plan: VmPlan; stay: readonly string[] | undefined; io: Io },
): Promise<void> {
  const phase = { id: 'clean', title: "Taking out what is one machine's alone" };
  const acts = ['{', ...(stay === undefined ? [] : [stopScript]), cleanScript, '} >/dev/null'];
  const script = ['user_home=$1', 'shift', ...acts, scanScript].join('\n');
  const clean = async () => {
    // One shell: each that is begun costs an emulated guest 0.1 s.
    const argv = ['/bin/sh', '-c', script, 'clean', homeOf(plan.user), ...(stay ?? [])];
    const found = await runInGuest(guest, argv, {
      ...{ io, phase, shown: 'cleaning', timeout: 600_000 },
    });
    const left = found.split('\n').filter((line) => line !== '');
    if (left.length === 0) return;
    throw new CloneboxError('guest-failed', `a template must not have: ${left.join(', ')}`, {
      hint: 'Make it in post_commands, which run in each VM, or go without a template: --no-template',
      facts: { phase: phase.id, left },
    });
  };
  await inPhase(phase, io, () => atFixedAddresses(guest, io, clean));
}

/**
 * What was stopped in the template for its clones' sake is started in each; what the plan asks for is waited for and must
 * run. Of the rest some unit may have failed in the template already, as it would in a VM without one.
 */
export async function startServices({ plan, guest }: SetupInput, io: Io): Promise<void> {
  const text = Buffer.from((await guest.readFile(stoppedServices, io)) ?? []).toString('utf8');
  const stopped = text.split('\n').filter((unit) => unit !== '');
  const resident = new Set(plan.templates.resident);
  const planned = plan.services.filter((unit) => !resident.has(unit));
  const units = [...new Set([...stopped, ...planned])];
  if (units.length === 0) return;
  const phase = { id: 'services', title: 'Starting services' };
  const all = `systemctl start -- ${units.map(shellQuote).join(' ')}`;
  const script = [
    missingScript,
    `${all} || [ $# -eq 0 ] || systemctl start -- "$@"`,
    `rm -f ${stoppedServices}`,
  ].join('\n');
  await inPhase(phase, io, () =>
    runInGuest(guest, ['/bin/sh', '-ec', script, 'start', ...planned], {
      ...{ io, phase, shown: `systemctl start ${units.join(' ')}`, timeout: 300_000 },
    }),
  );
}

/**
 * What a boot has read and nobody needs again, out of memory, and zeroes over what that and earlier processes have left in
 * it: each clone would copy it. tmpfs is given what was freed last first, so that what was never used stays so.
 */
const slimScript = `free_kib() { sed -n 's/^MemFree: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo; }
sync
was=$(free_kib)
echo 3 > /proc/sys/vm/drop_caches
now=$(free_kib)
much=$((now - was + 65536))
[ "$much" -lt $((now - 65536)) ] || much=$((now - 65536))
[ "$much" -gt 0 ] || exit 0
mkdir /run/clonebox-blank
mount -t tmpfs -o size=100% blank /run/clonebox-blank
dd if=/dev/zero of=/run/clonebox-blank/zero bs=256K count=$((much / 256)) status=none || true
umount /run/clonebox-blank
rmdir /run/clonebox-blank`;

/**
 * Reads what a clone needs first: sshd, which has no key yet and ends at once, and the blocks of the directories that an
 * identity is written into.
 */
const readScript = `PATH=$PATH:/usr/sbin; s=$(command -v sshd); "$s" -t; "$s" -t
for d; do [ -d "$d" ] && : > "$d/.clonebox" && rm "$d/.clonebox"; done
true`;

/**
 * Leaves in memory what each clone needs first, and nothing else. It does in the template what a clone will do first: a
 * command of the agent's as the user, and sshd, which has no key yet and ends at once.
 */
export function warmGuest(guest: Guest, plan: VmPlan, io: Io): Promise<void> {
  return atFixedAddresses(guest, io, () => warm(guest, plan, io));
}

async function warm(guest: Guest, plan: VmPlan, io: Io): Promise<void> {
  const slim = ['/bin/sh', '-ec', slimScript];
  await runInGuest(guest, slim, {
    ...{ io, phase: { id: 'slim', title: 'Making its memory small' }, timeout: 300_000 },
    shown: 'dropping what nobody needs',
  });
  const home = homeOf(plan.user);
  const places = ['/etc', '/etc/ssh', '/etc/profile.d', '/etc/systemd/system', `${home}/.ssh`];
  await guest.exec(['/bin/sh', '-c', readScript, 'read', ...places], io, {
    ...{ timeout: 120_000, cwd: '/' },
  });
  for (let times = 0; times < 2; times++) {
    await guest.exec(['sync'], io, { timeout: 120_000, user: plan.user.name, brief: true });
  }
}

function wanted(target: string, unit: string) {
  const link = `/etc/systemd/system/${unit}`;
  return [{ path: `/etc/systemd/system/${target}.wants/${unit}`, link }];
}

const makeMissing = `#!/bin/sh
# What clones must not share is made in each of them.
[ ! -x /usr/sbin/make-ssl-cert ] || [ -e /etc/ssl/private/ssl-cert-snakeoil.key ] ||
  make-ssl-cert generate-default-snakeoil --force-overwrite
`;

const missingUnit = `[Unit]
Description=Keys that each machine makes for itself
DefaultDependencies=no
After=local-fs.target
Before=basic.target
ConditionKernelCommandLine=!${keepingMark}
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${missingScript}
`;

/**
 * Debian starts the services of packages by itself. A unit is of the system when it runs in a guest without any package:
 * those by name. The others are written down and stopped.
 */
const stopScript = `
mkdir -p /var/lib/clonebox
systemctl list-units --type=service --state=running,failed --plain --no-legend | while read -r unit _; do
  case $unit in
    systemd-*|dbus.service|qemu-guest-agent.service|ssh*|getty@*|serial-getty@*|user@*|clonebox-*|snapd*|cloud-*|networking.service|polkit.service) continue ;;
  esac
  for stay; do case $unit in "$stay"|"$stay.service") continue 2 ;; esac; done
  echo "$unit"
done > ${stoppedServices}
[ ! -s ${stoppedServices} ] || xargs systemctl stop < ${stoppedServices}
[ ! -s ${stoppedServices} ] || xargs systemctl reset-failed < ${stoppedServices} 2>/dev/null
`;

/** A private key is written over before it is removed: the blocks of a file that is gone stay in the disk. */
const cleanScript = String.raw`
destroy() { for f; do [ ! -f "$f" ] || { dd if=/dev/zero of="$f" bs="$(stat -c %s "$f")" count=1 conv=notrunc,fsync status=none 2>/dev/null; rm -f "$f"; }; done; }
destroy /etc/ssh/ssh_host_* /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
destroy /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
rm -rf /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/* /var/cache/apt/*.bin /var/cache/debconf/*-old
rm -rf /tmp/* /tmp/.[!.]* /var/tmp/* /var/lib/dhcp/* /var/lib/NetworkManager/* /var/crash/* /var/lib/cloud/instance*
for home in /root "$user_home"; do
  rm -rf "$home"/.bash_history "$home"/.*_history "$home"/.lesshst "$home"/.wget-hsts "$home"/.cache "$home"/.ssh/authorized_keys
done
find /var/log -type f \( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \) -delete
find /var/log -type f -exec truncate -s 0 {} +
rm -rf /var/log/journal/*
rm -f /etc/environment ${profileFile} ${aptProxyFile}
: > /etc/environment
printf 'clonebox\n' > /etc/hostname
sed -i '/^127\.0\.1\.1[[:space:]]/d' /etc/hosts
printf '127.0.1.1 clonebox\n' >> /etc/hosts
if ! grep -q '\<${keepingMark}\>' /proc/cmdline; then
  rm -f /var/lib/dbus/machine-id
  : > /etc/machine-id
fi
journalctl -q --rotate --vacuum-size=1 2>/dev/null
sync
fstrim -a 2>/dev/null
true
`;

/** One line for each thing that must not be there. Markers of keys count with what follows them: programs hold the bare words. */
const scanScript = String.raw`
for f in /etc/ssh/ssh_host_*_key /var/lib/systemd/random-seed /var/lib/systemd/credential.secret /root/.ssh/authorized_keys "$user_home/.ssh/authorized_keys" /root/.bash_history "$user_home/.bash_history" /var/lib/dhcp/*.leases /var/log/journal/* /run/clonebox/secrets/*; do
  [ ! -e "$f" ] || echo "$f"
done
grep -q '\<${keepingMark}\>' /proc/cmdline || [ ! -s /etc/machine-id ] || echo /etc/machine-id
grep -rlIE --devices=skip --exclude-dir=node_modules --exclude-dir='*-packages' --exclude-dir='test*' -e '-----BEGIN ([A-Z]+ )*PRIVATE KEY-----' /etc /root /home /var /opt /srv /usr/local 2>/dev/null |
  while read -r f; do
    case $f in /var/lib/dpkg/*) continue ;; esac
    echo "$f (a private key)"
  done
true
`;

/** Digest of all that is done to a template whatever its plan is. */
export const bakeRecipe = sha256(
  JSON.stringify([
    ...[helperFiles(), shareFiles([]), installScript.content, databaseScript.content],
    ...[makeMissing, missingUnit, sshFiles(), stopScript, cleanScript, scanScript],
    ...[slimScript, readScript],
  ]),
).slice(0, 12);

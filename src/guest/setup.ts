import { CloneboxError } from '../core/errors.ts';
import type { Guest } from '../core/guest.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import type { GuestSetup, SetupInput, Workstation } from '../core/setup.ts';
import type { Paths } from '../core/store.ts';
import { authorize } from './authorized-keys.ts';
import { bakeGuest, bakeRecipe, cleanGuest, quietGuest, startServices, warmGuest } from './bake.ts';
import { copyIn } from './copy.ts';
import { identityFiles } from './identity.ts';
import { applyPassword, dropPassword, preparePassword, setPassword } from './login-password.ts';
import { inPhase, type Phase } from './phase.ts';
import { putFiles } from './put-files.ts';
import { askHelper } from './resident/client.ts';
import { helperOf, introduce, readBaseline, readIdentity } from './resident/introduce.ts';
import { fileStep } from './resident/introduction-steps.ts';
import { deliverSecrets, removeSecrets, servicesOf } from './secrets.ts';
import {
  liveShares,
  missingShares,
  readMounts,
  renewShares,
  shareFailure,
  shareFiles,
  sharesUnit,
} from './shares.ts';
import { installSoftware, runPostCommands } from './software.ts';
import { runUnitFiles, runUnitName } from './units.ts';
import {
  aptProxyFile,
  behindEgress,
  egressMark,
  guestVariables,
  profileFile,
  readWorkstation,
  variableFiles,
  workstationScript,
} from './workstation.ts';

interface Deps {
  readonly host: Host;
  readonly paths: Paths;
}

/** The steps from a booted image to the machine of a plan. */
export function createGuestSetup(deps: Deps): GuestSetup {
  return {
    recipe: bakeRecipe,
    workstation: () => readWorkstation(deps.host),
    provision: (input, workstation, io) => provision(deps, input, { workstation, io }),
    bake: bakeGuest,
    baseline: readBaseline,
    introduce: (input, introduction, io) => introduce(deps, { input, introduction }, io),
    identity: (input, known, io) => readIdentity(deps, { input, known }, io),
    copyIn: (input, io) => copyShares(deps, input, io),
    quiet: quietGuest,
    warmUp: warmGuest,
    startServices,
    clean: cleanGuest,
    postCommands: ({ plan, guest }, io) => runPostCommands(guest, plan, io),
    tellEgress: (input, workstation, io) => tellEgress(deps, input, { workstation, io }),
    startCommands: (input, workstation, io) => startCommands(deps, input, { workstation, io }),
    flush: async (input, io) => {
      await askHelper(deps.host, helperOf(input), { steps: [['sync']], io });
    },
    verifyShares: async ({ plan, guest, shareDriver }, io) => {
      const shares = liveShares(plan, shareDriver ?? '9p');
      await renewShares(guest, { shares, dependents: plan.run.map(runUnitName) }, io);
      if (missingShares(shares, await readMounts(guest, io)).length === 0) return;
      // The agent answers early: the unit may be at it still. This waits for it, or tries again.
      await guest.exec(['systemctl', 'start', sharesUnit], io, { timeout: 180_000, cwd: '/' });
      const missing = missingShares(shares, await readMounts(guest, io));
      if (missing.length > 0) throw await shareFailure(missing, guest, io);
    },
    deliverSecrets: ({ plan, guest }, secrets, io) => deliverSecrets(guest, { plan, secrets }, io),
    removeSecrets: ({ plan, guest }, io) => removeSecrets(guest, plan, io),
    authorize: ({ plan, guest }, own, io) => authorize(guest, { plan, own }, io),
    setPassword,
    preparePassword,
    applyPassword,
    dropPassword,
    mounted: async (guest, io) => (await readMounts(guest, io)).map((mount) => mount.path),
  };
}

async function provision(
  deps: Deps,
  input: SetupInput,
  { workstation, io }: { workstation: Workstation; io: Io },
): Promise<void> {
  const { plan, guest } = input;

  const byCloudInit = input.record.image.setup === 'cloud-init';
  if (byCloudInit) {
    const phase = { id: 'cloud-init', title: 'Waiting for cloud-init' };
    await inPhase(phase, io, () => waitForCloudInit(guest, phase, io));
  }

  const identity = { id: 'identity', title: `Making it ${plan.name}` };
  await inPhase(identity, io, async () => {
    const files = await identityFiles(guest, {
      plan,
      paths: deps.paths.vm(input.record.name),
      host: deps.host,
      workstation,
      io,
    });
    const shares = liveShares(plan, input.shareDriver ?? '9p');
    const lines = [
      'cat /etc/hostname > /proc/sys/kernel/hostname',
      'systemctl daemon-reload',
      `systemctl restart ${sharesUnit} || true`,
      ...workstationScript(workstation),
      ...(byCloudInit ? [restartSshd] : []),
    ];
    // cloud-init has done its work. Without its medium it would take a later boot for one of another machine.
    const enough = byCloudInit ? [{ path: '/etc/cloud/cloud-init.disabled', content: '' }] : [];
    await putFiles(guest, [...files, ...shareFiles(shares), ...enough], {
      io,
      phase: identity,
      script: lines.join('\n'),
    });
  });

  const shares = { id: 'shares', title: 'Mounting the shared directories' };
  await inPhase(shares, io, async () => {
    const wanted = liveShares(plan, input.shareDriver ?? '9p');
    const missing = missingShares(wanted, await readMounts(guest, io));
    if (missing.length > 0) throw await shareFailure(missing, guest, io);
  });

  await copyShares(deps, input, io);
  await installSoftware(guest, plan, io);
  await runPostCommands(guest, plan, io);
}

/** What is shared as a copy goes in, once. */
async function copyShares(deps: Deps, input: SetupInput, io: Io): Promise<void> {
  const { plan, record, sources } = input;
  const copies = plan.shares.filter((share) => share.mode === 'copy');
  if (copies.length === 0) return;
  const phase = { id: 'copies', title: 'Copying directories in' };
  await inPhase(phase, io, async () => {
    for (const { host, guest } of copies) {
      const source = sources?.get(host);
      if (source === undefined) throw new Error(`${host} was not opened before the guest ran`);
      await copyIn(deps, record, { source, guest, user: plan.user, io });
    }
  });
}

async function tellEgress(
  deps: Deps,
  input: SetupInput,
  { workstation, io }: { workstation: Workstation; io: Io },
): Promise<void> {
  const { plan, guest, record } = input;
  const text = Buffer.from((await guest.readFile(profileFile, io)) ?? []).toString('utf8');
  if (text.startsWith(egressMark) === (plan.egress === 'allowlist')) return;
  const phase = { id: 'way-out', title: 'Telling the guest its way out' };
  await inPhase(phase, io, () => {
    const files = variableFiles(behindEgress(workstation, plan), plan.environment);
    return putFiles(guest, files, {
      ...{ io, phase },
      script: files.some(({ path }) => path === aptProxyFile) ? '' : `rm -f ${aptProxyFile}`,
    });
  });
  // At the first boot they have not been made yet.
  if (record.phase === 'ready') await startCommands(deps, input, { workstation, io });
}

async function startCommands(
  { host }: Deps,
  { plan, guest, record, helper }: SetupInput,
  { workstation, io }: { workstation: Workstation; io: Io },
): Promise<void> {
  if (plan.run.length === 0) return;
  const phase = { id: 'run', title: "Starting the project's own commands" };
  const environment = guestVariables(behindEgress(workstation, plan), plan.environment);
  // One that is handed secrets is started with them.
  const waiting = new Set(servicesOf(plan));
  const files = runUnitFiles(plan.run, { user: plan.user, environment, waiting });
  const now = plan.run.filter(({ name }) => !waiting.has(name)).map(runUnitName);
  const isNew = record.phase !== 'ready';
  await inPhase(phase, io, async () => {
    if (isNew && helper !== undefined) {
      const start = now.length === 0 ? [] : [['restart', now.join(' ')] as const];
      await askHelper(host, helper, { steps: [...files.map(fileStep), ...start], io });
      return;
    }
    const start = now.length === 0 ? [] : [`systemctl restart ${now.join(' ')}`];
    // A unit that systemd has not heard of yet is read when it is started. To read all of them anew takes seconds.
    const reload = isNew ? [] : ['systemctl daemon-reload'];
    await putFiles(guest, files, { io, phase, script: [...reload, ...start].join('\n') });
  });
}

/** A vendor's sshd has found no host key at boot; ours answers each connection by a process of its own. */
const restartSshd = `for unit in ssh.service sshd.service; do
  if systemctl is-enabled --quiet "$unit" 2>/dev/null; then systemctl restart "$unit"; break; fi
done`;

async function waitForCloudInit(guest: Guest, phase: Phase, io: Io): Promise<void> {
  const result = await guest.exec(['cloud-init', 'status', '--wait', '--long'], io, {
    timeout: 900_000,
  });
  io.emit({ kind: 'detail', text: result.stdout.trim().split('\n')[0] ?? '' });
  // 2: finished with warnings the vendor's image is known for; the identity below does not depend on them.
  if (result.exitCode === 0 || result.exitCode === 2) return;
  throw new CloneboxError('guest-failed', `${phase.title}: it failed\n${result.stdout.trim()}`, {
    facts: { phase: phase.id, output: result.stdout.slice(-2000) },
  });
}

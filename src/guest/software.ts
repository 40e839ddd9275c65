import type { Guest } from '../core/guest.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import { homeOf } from './accounts.ts';
import { installPackages, installSnaps } from './packages.ts';
import { inPhase, runInGuest } from './phase.ts';
import { putFiles } from './put-files.ts';

/** What of a plan makes the software of its guest. */
export type Software = Pick<
  VmPlan,
  'packages' | 'snapPackages' | 'services' | 'provision' | 'environment' | 'user'
>;

/**
 * Packages, snaps, services, then the provisioning steps in the user's home: in a template as in a VM that has none, so
 * without the project.
 */
export async function installSoftware(guest: Guest, plan: Software, io: Io): Promise<void> {
  await installPackages(guest, plan.packages, io);
  await installSnaps(guest, plan.snapPackages, io);
  if (plan.services.length > 0) {
    const phase = { id: 'services', title: 'Enabling services' };
    await inPhase(phase, io, () =>
      runInGuest(guest, ['systemctl', 'enable', '--now', '--', ...plan.services], {
        ...{ io, phase, timeout: 300_000 },
      }),
    );
  }
  await runSteps(guest, plan, io);
}

async function runSteps(guest: Guest, plan: Software, io: Io): Promise<void> {
  if (plan.provision.length === 0) return;
  const { user } = plan;
  const cwd = homeOf(user);
  const env = { ...plan.environment, CLONEBOX_USER: user.name };
  const phase = { id: 'provision', title: 'Running provisioning steps' };
  await inPhase(phase, io, async () => {
    for (const step of plan.provision) {
      if (step.kind === 'file') {
        const file = { path: step.path, content: step.content, mode: step.mode };
        await putFiles(guest, [file], { io, phase, script: '' });
      } else {
        await runInGuest(guest, ['/bin/bash', '-c', step.run], {
          ...{ io, phase, cwd, shown: step.run, env },
          ...(step.as === 'user' && { user: user.name }),
        });
      }
    }
  });
}

/** `post_commands`, in the project's place: once in every VM. */
export async function runPostCommands(
  guest: Guest,
  plan: Pick<VmPlan, 'postCommands' | 'directory' | 'environment' | 'user'>,
  io: Io,
): Promise<void> {
  if (plan.postCommands.length === 0) return;
  const user = plan.user.name;
  const phase = { id: 'post', title: 'Running post_commands' };
  await inPhase(phase, io, async () => {
    for (const command of plan.postCommands) {
      await runInGuest(guest, ['/bin/bash', '-c', command], {
        ...{ io, phase, user, cwd: plan.directory, shown: command },
        env: { ...plan.environment, CLONEBOX_USER: user },
      });
    }
  });
}

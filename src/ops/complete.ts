import type { Ctx } from '../core/ctx.ts';
import type { Io } from '../core/io.ts';
import type { VmPlan } from '../core/plan.ts';
import type { Secret } from '../core/secret.ts';
import type { SetupInput, Workstation } from '../core/setup.ts';
import type { Booted } from './boot.ts';
import { closeEgress, openAllowlist } from './egress.ts';
import { setLoginPassword } from './login-password.ts';
import { proveCommand } from './prove-command.ts';
import { handOverSecrets } from './secrets/hand-over.ts';
import { openTunnels } from './tunnels.ts';
import { whileAlive } from './watch-machine.ts';

/** Makes a machine that is itself that of its plan. Returns the password that is to be shown, if there is one. */
export async function complete(ctx: Ctx, booted: Booted): Promise<Secret | undefined> {
  const { setup } = booted;
  const workstation = await ctx.setup.workstation(ctx.io);
  return whileAlive(ctx, booted, {
    io: ctx.io,
    action: async (io) => {
      await ctx.setup.copyIn(setup, io);
      await closeSources(setup);
      await ctx.setup.startServices(setup, io);
      await ctx.setup.postCommands(setup, io);
      const password = await finishSetUp(ctx, booted, { workstation, io });
      if (!isPlain(setup.plan)) await ctx.setup.flush(setup, io);
      return password;
    },
  });
}

async function closeSources({ sources }: SetupInput): Promise<void> {
  for (const tree of sources?.values() ?? []) await tree.close();
}

/** Nothing was written after the identity. */
function isPlain({
  shares,
  postCommands,
  run,
  egress,
  secrets,
  auth,
  services,
  templates,
}: VmPlan) {
  const started = services.filter((unit) => !templates.resident.includes(unit));
  const copies = shares.filter(({ mode }) => mode === 'copy');
  const rest = [postCommands, run, secrets, started, copies];
  return rest.flat().length === 0 && egress === 'full' && auth.method === 'ssh_key';
}

/** Makes a booted image the machine of its plan. Returns the password that is to be shown, if there is one. */
export async function setUp(ctx: Ctx, booted: Booted): Promise<Secret | undefined> {
  const workstation = await ctx.setup.workstation(ctx.io);
  return whileAlive(ctx, booted, {
    io: ctx.io,
    action: async (io) => {
      await ctx.setup.provision(booted.setup, workstation, io);
      await closeSources(booted.setup);
      const password = await finishSetUp(ctx, booted, { workstation, io });
      // What was set up is on the disk, whatever happens to the machine from now on.
      await proveCommand(ctx, booted, ['sync']);
      return password;
    },
  });
}

/** The network as it will always be, then what may only run in that: the project's own commands, and secrets. */
async function finishSetUp(
  ctx: Ctx,
  booted: Booted,
  { workstation, io }: { workstation: Workstation; io: Io },
): Promise<Secret | undefined> {
  await closeEgress(ctx, booted);
  await openAllowlist(ctx, booted);
  await ctx.setup.tellEgress(booted.setup, workstation, io);
  await openTunnels(ctx, booted.record, booted.guest);
  await ctx.setup.startCommands(booted.setup, workstation, io);
  await handOverSecrets(ctx, booted.setup);
  return setLoginPassword(ctx, booted);
}

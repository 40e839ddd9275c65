import { type Change, changes } from '../config/changes.ts';
import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { formatBytes } from '../lib/bytes.ts';
import { applyChanges } from './apply.ts';
import { type Created, createVm, secondsSince, type Timings, takeBack } from './create-vm.ts';
import { type LoadedPlan, loadPlan } from './load-plan.ts';
import { waitForPorts } from './ready.ts';
import { startVm } from './start-vm.ts';
import { readStatus, type VmStatus } from './status.ts';
import { findTarget, type Target } from './target.ts';
import { isUp, readVmState, withVm } from './vm-state.ts';

export interface CloneInput {
  readonly target: string | undefined;
  readonly cwd: string;
  readonly overrides: Overrides;
  readonly run: boolean;
  /** Wait until every declared port answers (with `run`). */
  readonly wait: boolean;
  readonly trust: boolean;
  readonly apply: boolean;
  readonly replace: boolean;
  readonly keepFailed: boolean;
  /** `create`: the file must exist and the VM must not. */
  readonly strict: boolean;
}

/** A clone with no word more than it needs. */
export const plainClone = {
  overrides: {},
  apply: false,
  replace: false,
  keepFailed: false,
  strict: false,
} as const;

export interface CloneResult {
  readonly outcome: 'created' | 'started' | 'unchanged' | 'applied';
  readonly vm: VmStatus;
  readonly timings: Timings;
  readonly path: 'cold';
  readonly pathReason: string;
}

const coldReason = 'no templates yet: every new VM is provisioned at its first boot';

/**
 * Makes the VM of a project, or finds that it is there (docs/operations/clone.md). Idempotent: with an unchanged
 * configuration a second call changes nothing. On failure nothing is left but the project's configuration file.
 */
export async function clone(ctx: Ctx, input: CloneInput): Promise<CloneResult> {
  const project = await projectOf(ctx, input);
  const loaded = await loadPlan(ctx, project, {
    overrides: input.overrides,
    trust: input.trust,
    mustExist: input.strict,
  });
  const { plan } = loaded;
  return withVm(ctx, plan.name, async () => {
    const record = await ctx.store.read(plan.name);
    if (record === undefined) return makeNew(ctx, input, loaded);
    const state = await readVmState(ctx, plan.name, record);
    if (input.strict) throw exists(plan, record);
    if (record.plan.project !== plan.project) throw exists(plan, record);
    if (input.replace) return replaceVm(ctx, input, { loaded, old: record });
    if (state.kind === 'broken') {
      throw new CloneboxError('conflict', `${plan.name} is broken: ${state.reason}`, {
        hint: `Make it anew: clonebox clone --replace; or remove it: clonebox delete ${plan.name}`,
        facts: { vm: plan.name, reason: state.reason },
      });
    }
    const different = changes(record.plan, plan);
    if (different.length > 0 && !input.apply) throw changed(plan, different);
    const current =
      different.length > 0 ? await applyChanges(ctx, record, { plan, different }) : record;
    if (input.run && !isUp(state)) {
      const started = await startVm(ctx, current, { wait: input.wait });
      return result(ctx, current, { outcome: 'started', timings: started.timings });
    }
    return result(ctx, current, {
      outcome: different.length > 0 ? 'applied' : 'unchanged',
      timings: {},
    });
  });
}

export interface DryRun {
  readonly plan: PlanView;
}

/** The plan as scripts and people read it (interface of `clone --dry-run`). */
export interface PlanView {
  readonly vm: {
    name: string;
    driver: string;
    cpus: number;
    memory: number;
    disk: number;
    user: string;
    accel: string;
  };
  readonly image: string;
  readonly template: { key: string | null; state: string };
  readonly needs: readonly {
    name: string;
    version: string | null;
    via: string;
    package: string;
    finding: unknown;
  }[];
  readonly services: readonly string[];
  readonly shares: VmPlan['shares'];
  readonly ports: readonly { name: string; guest: number; host: number | null }[];
  readonly run: readonly { name: string; command: readonly string[]; port: number | null }[];
  readonly provision: number;
  readonly withheld: VmPlan['withheld'];
  readonly configFile: { path: string; state: 'exists' | 'would be written' };
}

/** What `clone` would make. Never asks, writes nothing anywhere. */
export async function dryRun(ctx: Ctx, input: CloneInput): Promise<DryRun> {
  const project = await projectOf(ctx, input);
  const { plan, draft } = await loadPlan(ctx, project, { overrides: input.overrides, trust: true });
  const { name, driver, cpus, memory, disk, user, accel } = plan;
  return {
    plan: {
      vm: { name, driver, cpus, memory, disk, user: user.name, accel },
      image: plan.image,
      template: { key: null, state: 'not available yet' },
      needs: plan.packages.map((one) => ({
        name: one.name,
        version: one.version ?? null,
        via: 'apt',
        package: one.name,
        finding: one.finding,
      })),
      services: plan.services,
      shares: plan.shares,
      ports: plan.ports.map((port) => ({ ...port, host: port.host ?? null })),
      run: plan.run.map((unit) => ({
        name: unit.name,
        command: unit.command,
        port: unit.port ?? null,
      })),
      provision: plan.provision.length,
      withheld: plan.withheld,
      configFile: {
        path: project.configFile,
        state: draft === undefined ? 'exists' : 'would be written',
      },
    },
  };
}

async function projectOf(
  ctx: Ctx,
  input: CloneInput,
): Promise<Extract<Target, { kind: 'project' }>> {
  const target = await findTarget(ctx, input.target, input.cwd);
  if (target.kind === 'project') return target;
  const record = await ctx.store.read(target.name);
  if (record?.plan.project === undefined) {
    throw new CloneboxError('not-found', `${target.name} is not a project directory`, {
      hint: `For a directory of that name, type ./${target.name}`,
      facts: { name: target.name },
    });
  }
  const found = await findTarget(ctx, record.plan.project, input.cwd);
  if (found.kind === 'project') return found;
  throw new CloneboxError(
    'not-found',
    `the project of ${target.name} is gone: ${record.plan.project}`,
  );
}

async function makeNew(ctx: Ctx, input: CloneInput, loaded: LoadedPlan): Promise<CloneResult> {
  await writeDraft(ctx, loaded);
  showPlan(ctx, loaded.plan);
  const created = await createVm(ctx, loaded.plan, {
    keepFailed: input.keepFailed,
    operation: 'clone',
  });
  return finish(ctx, input, created);
}

/** Puts the old VM aside, makes the new one, and puts the old one back if that fails. */
async function replaceVm(
  ctx: Ctx,
  input: CloneInput,
  { loaded, old }: { loaded: LoadedPlan; old: VmRecord },
): Promise<CloneResult> {
  const { plan } = loaded;
  showPlan(ctx, plan);
  const driver = await ctx.driver(old.plan.driver);
  await driver.stop(old.name, ctx.io, { grace: 30_000 });
  const journal = await ctx.store.beginJournal('replace', plan.name);
  try {
    const trashed = ctx.store.trashPlace(plan.name);
    await journal.step(
      'the old VM aside',
      { kind: 'restore-vm', from: trashed, name: plan.name },
      () => ctx.store.trash(plan.name, trashed),
    );
  } catch (error) {
    throw await takeBack(ctx, journal, error);
  }
  const created = await createVm(ctx, plan, { keepFailed: false, operation: 'replace', journal });
  return finish(ctx, input, created);
}

async function finish(ctx: Ctx, input: CloneInput, created: Created): Promise<CloneResult> {
  const { booted, timings } = created;
  const { record, guest, driver } = booted;
  try {
    if (!input.run) {
      ctx.io.emit({ kind: 'phase', id: 'stop', title: 'Shutting down' });
      await guest.close();
      await driver.stop(record.name, ctx.io, { grace: 60_000 });
    } else if (input.wait) {
      await waitForPorts(ctx, record, guest);
      timings.t_ports = secondsSince(ctx);
    }
  } finally {
    await guest.close();
  }
  return result(ctx, record, { outcome: 'created', timings });
}

async function result(
  ctx: Ctx,
  record: VmRecord,
  rest: { outcome: CloneResult['outcome']; timings: Timings },
): Promise<CloneResult> {
  return { ...rest, vm: await readStatus(ctx, record), path: 'cold', pathReason: coldReason };
}

async function writeDraft(ctx: Ctx, { plan, draft }: LoadedPlan): Promise<void> {
  if (draft === undefined || plan.configFile === undefined) return;
  try {
    await ctx.host.files.writeNew(plan.configFile, draft, 0o644);
    ctx.io.emit({ kind: 'note', text: `wrote ${plan.configFile}` });
  } catch (error) {
    if (isCloneboxError(error, 'conflict')) return;
    ctx.io.emit({
      kind: 'warning',
      text: `could not write ${plan.configFile}; going on without it`,
    });
  }
}

function showPlan(ctx: Ctx, plan: VmPlan): void {
  const parts = [
    `${plan.cpus} CPU${plan.cpus === 1 ? '' : 's'}, ${formatBytes(plan.memory)} memory, ${formatBytes(plan.disk)} disk`,
    `image ${plan.image}`,
    ...plan.shares.map(
      (share) =>
        `${share.host}${share.guest === share.host ? '' : ` at ${share.guest}`} (${share.mode})`,
    ),
    ...(plan.packages.length > 0
      ? [`packages ${plan.packages.map(({ name }) => name).join(', ')}`]
      : []),
    ...plan.run.map(
      (unit) => `runs ${unit.command.join(' ')}${unit.port ? ` on port ${unit.port}` : ''}`,
    ),
  ];
  ctx.io.emit({ kind: 'note', text: `${plan.name}: ${parts.join(' · ')}` });
  if (plan.user.uid === 0) {
    ctx.io.emit({
      kind: 'warning',
      text: 'running as root: root of the guest could write setuid files into the shared directory',
    });
  }
}

function exists(plan: VmPlan, record: VmRecord): CloneboxError {
  const same = record.plan.project === plan.project;
  return new CloneboxError(
    'conflict',
    `${plan.name} exists already${same ? '' : `, made of ${record.plan.project}`}`,
    {
      hint: same
        ? `Start it: clonebox start ${plan.name}`
        : 'Give this one another name: --name NAME',
      facts: { vm: plan.name, project: record.plan.project },
    },
  );
}

function changed(plan: VmPlan, different: readonly Change[]): CloneboxError {
  const list = different
    .map((one) => `  ${one.key}: ${one.from} -> ${one.to} (${advice[one.applies]})`)
    .join('\n');
  const rebuild = different.some((one) => one.applies === 'replace');
  return new CloneboxError(
    'conflict',
    `${plan.name} was made from another configuration:\n${list}`,
    {
      hint: rebuild ? 'Make it anew: --replace' : 'Change it: --apply; or make it anew: --replace',
      facts: { vm: plan.name, changes: different },
    },
  );
}

const advice = { live: 'now', start: 'at the next start', replace: 'needs a new VM' } as const;

import { type Change, changes } from '../config/changes.ts';
import type { Overrides } from '../config/plan-input.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, isCloneboxError } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { VmRecord } from '../core/record.ts';
import { formatBytes } from '../lib/bytes.ts';
import { printable } from '../lib/printable.ts';
import { applyChanges } from './apply.ts';
import {
  type Created,
  createVm,
  gather,
  secondsSince,
  stored,
  type Timings,
  takeBack,
} from './create-vm.ts';
import { type LoadedPlan, loadPlan } from './load-plan.ts';
import { waitForPorts } from './ready.ts';
import { startVm } from './start-vm.ts';
import { readStatus, type VmStatus } from './status.ts';
import { findProject } from './target.ts';
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
export async function clone(ctx: Ctx, asked: CloneInput): Promise<CloneResult> {
  const project = await findProject(ctx, asked.target, asked.cwd);
  const earlier =
    project.existing && (await ctx.store.read(project.existing).catch(() => undefined));
  const input = { ...asked, overrides: { ...earlier?.overrides, ...asked.overrides } };
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
      different.length > 0
        ? await applyChanges(
            ctx,
            { ...record, overrides: stored(input.overrides) },
            { plan, different },
          )
        : record;
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

async function makeNew(
  ctx: Ctx,
  input: CloneInput,
  { plan: asked, draft }: LoadedPlan,
): Promise<CloneResult> {
  const image = asked.image === 'auto' ? await ctx.images.resolveAuto(ctx.io) : asked.image;
  const plan = { ...asked, image };
  if (draft !== undefined) await writeDraft(ctx, plan.configFile, draft(image));
  showPlan(ctx, plan);
  const created = await createVm(ctx, plan, {
    overrides: input.overrides,
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
  const parts = await gather(ctx, plan);
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
  const created = await createVm(ctx, plan, {
    overrides: input.overrides,
    keepFailed: false,
    operation: 'replace',
    journal,
    parts,
  });
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

async function writeDraft(ctx: Ctx, file: string | undefined, draft: string): Promise<void> {
  if (file === undefined) return;
  try {
    await ctx.host.files.writeNew(file, draft, 0o644);
    ctx.io.emit({ kind: 'note', text: `wrote ${file}` });
  } catch (error) {
    if (isCloneboxError(error, 'conflict')) return;
    ctx.io.emit({
      kind: 'warning',
      text: `could not write ${file}; going on without it`,
    });
  }
}

function showPlan(ctx: Ctx, plan: VmPlan): void {
  const parts = [
    `${plan.cpus} CPU${plan.cpus === 1 ? '' : 's'}, ${formatBytes(plan.memory)} memory, ${formatBytes(plan.disk)} disk`,
    `image ${plan.image}`,
    ...plan.shares.map(
      (share) =>
        `${printable(share.host, 4096)}${share.guest === share.host ? '' : ` at ${printable(share.guest, 4096)}`} (${share.mode})`,
    ),
    ...(plan.packages.length > 0
      ? [`packages ${plan.packages.map(({ name }) => name).join(', ')}`]
      : []),
    ...plan.run.map(
      (unit) =>
        `runs ${printable(unit.command.join(' '))}${unit.port ? ` on port ${unit.port}` : ''}`,
    ),
  ];
  ctx.io.emit({ kind: 'note', text: `${plan.name}: ${parts.join(' · ')}` });
  if (ctx.host.user.uid === 0) {
    ctx.io.emit({
      kind: 'warning',
      text: 'running as root: root of the guest can write setuid files into the shared directory',
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

import { changes } from '../config/changes.ts';
import { type DraftChoices, noChoices } from '../config/needs/choices.ts';
import { releaseOf } from '../config/needs/release.ts';
import { widerEgress } from '../config/outside-reach.ts';
import type { Overrides } from '../config/plan-input.ts';
import { isCredentialPort } from '../core/credential-ports.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import { besideName } from '../core/name.ts';
import type { VmRecord } from '../core/record.ts';
import type { Journal } from '../core/store.ts';
import { applyChanges } from './apply.ts';
import type { Way } from './begin.ts';
import type { Booted } from './boot.ts';
import { changed, exists } from './clone-conflicts.ts';
import { createVm, keepFailed, markReady } from './create-vm.ts';
import { editConfig } from './edit-config.ts';
import { type LoadedPlan, loadPlan } from './load-plan.ts';
import { requireTerminal, type ShowOnTerminal, showPassword } from './login-password.ts';
import { stored } from './new-record.ts';
import { changeVm, journaled, type Operation, operation } from './operation.ts';
import { waitForPorts } from './ready.ts';
import { showPlan } from './show-plan.ts';
import { startVm } from './start-vm.ts';
import { readStatus, type VmStatus } from './status.ts';
import { swapVm } from './swap.ts';
import { findProject, named, type ProjectTarget } from './target.ts';
import type { TemplateWish } from './templates/choose.ts';
import { startUpkeep } from './templates/upkeep.ts';
import { secondsSince, type Timings } from './timings.ts';
import { requireTrust, type TrustChoice } from './trust.ts';
import { isUp, readVmState } from './vm-state.ts';
import { wantedPorts } from './wanted-ports.ts';
import { tryWriteDraft } from './write-draft.ts';

export interface CloneInput {
  readonly target: string | undefined;
  readonly cwd: string;
  readonly overrides: Overrides;
  /** How the first file is to be. */
  readonly choices: DraftChoices;
  /** Open the file in an editor before anything is made. */
  readonly edit: boolean;
  readonly run: boolean;
  /** Wait until every declared port answers (with `run`). */
  readonly wait: boolean;
  readonly trust: TrustChoice;
  readonly apply: boolean;
  readonly replace: boolean;
  readonly keepFailed: boolean;
  readonly template: TemplateWish;
  /** Where a one-time password is shown; `undefined` where nobody would see it. */
  readonly show: ShowOnTerminal | undefined;
  /** `create`: the file must exist and the VM must not. */
  readonly strict: boolean;
}

/** A clone with no word more than it needs. */
export const plainClone = {
  overrides: {},
  choices: noChoices,
  edit: false,
  apply: false,
  replace: false,
  keepFailed: false,
  template: 'warm',
  show: undefined,
  strict: false,
} as const;

export interface CloneResult {
  readonly outcome: 'created' | 'started' | 'unchanged' | 'applied';
  readonly vm: VmStatus;
  readonly timings: Timings;
  /** Of a VM that was made now: what it began from, and why not from something faster. */
  readonly path: Way['path'] | null;
  readonly pathReason: string | null;
}

/**
 * Makes the VM of a project, or finds that it is there (docs/operations/clone.md). Idempotent: with an unchanged
 * configuration a second call changes nothing. On failure nothing is left but the project's configuration file.
 */
export async function clone(ctx: Ctx, asked: CloneInput): Promise<CloneResult> {
  const made = await cloneInOperation(ctx, asked);
  if (made.outcome === 'created') await startUpkeep(ctx, made.vm.name, asked.template);
  return made;
}

function cloneInOperation(ctx: Ctx, asked: CloneInput): Promise<CloneResult> {
  const begin = { event: 'vm.create', target: named(asked.target) } as const;
  return operation(ctx, begin, async (op) => {
    const project = await findProject(op.ctx, asked.target, asked.cwd);
    const earlier =
      project.existing && (await op.ctx.store.read(project.existing).catch(() => undefined));
    const input = { ...asked, overrides: { ...earlier?.overrides, ...asked.overrides } };
    const { overrides, choices, strict: mustExist } = input;
    if (input.edit) await editConfig(op.ctx, project, { overrides, choices, mustExist });
    const load = (auto?: string) =>
      loadPlan(op.ctx, project, {
        ...{ overrides, mustExist },
        ...(input.edit ? {} : { choices }),
        ...(auto && { auto }),
      });
    const loaded = await load();
    // Before the trust of anybody is asked for what will then be refused.
    if (earlier === undefined || input.replace) requireTerminal(loaded.plan, input.show);
    const wider = earlier === undefined ? [] : widerEgress(earlier.plan, loaded.plan);
    const reach = [...loaded.reach, ...wider];
    await requireTrust(op.ctx, { plan: loaded.plan, reach }, input.trust);
    const { name } = loaded.plan;
    return changeVm(op, name, (journal) => decide(op, input, { project, loaded, load, journal }));
  });
}

interface Work {
  readonly project: ProjectTarget;
  readonly loaded: LoadedPlan;
  /** Loads it again, with what `auto` has turned out to be. */
  readonly load: (auto: string) => Promise<LoadedPlan>;
  readonly journal: Journal;
}

/** What a clone has to do, by what is there: interface.md has it as a table. */
async function decide(op: Operation, input: CloneInput, work: Work): Promise<CloneResult> {
  const { ctx } = op;
  const { plan } = work.loaded;
  const record = await ctx.store.read(plan.name);
  if (record === undefined) return makeNew(op, input, work);
  if (input.strict || record.plan.project !== plan.project) throw exists(plan, record);
  if (input.replace) return replaceVm(op, input, { ...work, old: record });
  const state = await readVmState(ctx, plan.name, record);
  if (state.kind === 'broken') {
    throw new CloneboxError('conflict', `${plan.name} is broken: ${state.reason}`, {
      hint: `Make it anew: clonebox clone --replace; or remove it: clonebox delete ${plan.name}`,
      facts: { vm: plan.name, reason: state.reason },
    });
  }
  const different = changes(record.plan, plan);
  if (different.length > 0 && !input.apply) throw changed(plan, different);
  if (different.length === 0 && (!input.run || isUp(state))) {
    op.skipped();
    return result(ctx, record, { outcome: 'unchanged', timings: {} });
  }
  if (different.length === 0) return startOld(op, record, { input, journal: work.journal });
  op.become('vm.update');
  op.note({ changed: different.map(({ key }) => key) });
  const next = { ...record, overrides: stored(input.overrides) };
  const current = await applyChanges(ctx, next, { plan, different, journal: work.journal });
  if (!input.run || isUp(state)) return result(ctx, current, { outcome: 'applied', timings: {} });
  return startPart(op, current, input);
}

async function startOld(
  op: Operation,
  record: VmRecord,
  { input, journal }: { input: CloneInput; journal: Journal },
): Promise<CloneResult> {
  op.become('vm.start');
  const { timings } = await startVm(op.ctx, record, { journal, wait: input.wait });
  return result(op.ctx, record, { outcome: 'started', timings });
}

/** Starts a VM as a part of what was done to it before, with the lock held already. */
function startPart(op: Operation, record: VmRecord, input: CloneInput): Promise<CloneResult> {
  const target = { type: 'vm', name: record.name } as const;
  return operation(op.ctx, { event: 'vm.start', target }, (part) =>
    journaled(part, (journal) => startOld(part, record, { input, journal }), record.name),
  );
}

async function makeNew(
  op: Operation,
  input: CloneInput,
  { project, loaded, load, journal }: Work,
): Promise<CloneResult> {
  const { ctx } = op;
  const { image: asked } = loaded.plan;
  const image = asked === 'auto' ? await ctx.images.resolveAuto(ctx.io) : asked;
  const isOther = loaded.draft !== undefined && loaded.draft.release !== releaseOf(image);
  const { plan: meant, draft, reach } = isOther ? await load(image) : loaded;
  const plan = { ...meant, image };
  // What was confirmed was another plan.
  if (isOther) await requireTrust(ctx, { plan, reach }, input.trust);
  requireTerminal(plan, input.show);
  if (draft !== undefined) {
    // It stays when the VM fails: it is the user's from then on.
    await tryWriteDraft(ctx, project, { journal, text: draft.text(image) });
  }
  showPlan(ctx, plan);
  const { name } = plan;
  try {
    const { booted, timings, password, way } = await createVm(ctx, plan, {
      ...{ ...input, journal, name },
    });
    let record: VmRecord;
    try {
      if (!input.run) await powerOff(ctx, booted);
      record = await markReady(ctx, booted.record);
      await journal.commit();
      showPassword(record, password, input.show);
      if (input.run && input.wait) {
        await waitForPorts(ctx, record, booted.guest);
        timings.t_ports = secondsSince(ctx);
      }
      if (input.run) await giveMemoryBack(ctx, booted);
    } finally {
      await booted.guest.close();
    }
    return await result(ctx, record, { outcome: 'created', timings, way });
  } catch (error) {
    const kept = input.keepFailed ? await keepFailed(ctx, name, { journal, error }) : undefined;
    if (kept !== undefined) op.note({ kept: true });
    throw kept ?? error;
  }
}

/**
 * Builds the new VM beside the old one, which goes on as it is until the new one is ready; then they change places. The
 * old one is in the trash for a day. On any failure before that it was not touched.
 */
async function replaceVm(
  op: Operation,
  input: CloneInput,
  { loaded, journal, old }: Work & { old: VmRecord },
): Promise<CloneResult> {
  const { ctx } = op;
  op.become('vm.replace');
  if (input.keepFailed) {
    throw new CloneboxError('usage', '--keep-failed does not go with --replace', {
      hint: 'A replacement that fails leaves the old VM as it is.',
    });
  }
  const { plan } = loaded;
  showPlan(ctx, plan);
  const beside = besideName(plan.name);
  const { booted, timings, password, way } = await createVm(ctx, plan, {
    ...{ ...input, journal, name: beside },
  });
  let ready: VmRecord;
  try {
    if (input.run && input.wait) await waitForPorts(ctx, booted.record, booted.guest);
    await powerOff(ctx, booted);
    ready = await markReady(ctx, booted.record);
  } finally {
    await booted.guest.close();
  }
  const record: VmRecord = { ...ready, name: plan.name, leases: takeOver(ready, old) };
  const to = ctx.store.trashPlace(plan.name);
  const swap = { name: plan.name, beside, record, to, driver: old.plan.driver };
  ctx.io.emit({ kind: 'phase', id: 'swap', title: `Putting the new ${plan.name} in its place` });
  await journal.finish('in its place', { kind: 'swap-vm', ...swap }, () => swapVm(ctx, swap));
  showPassword(record, password, input.show);
  if (!input.run) return result(ctx, record, { outcome: 'created', timings, way });
  return { ...(await startPart(op, record, input)), ...way, outcome: 'created' };
}

/** The new VM gets the host ports of the old one where it has the same guest ports and asks for no others. */
function takeOver(next: VmRecord, old: VmRecord): VmRecord['leases'] {
  const wanted = wantedPorts(next.plan);
  return next.leases.map((lease) => {
    const asked = wanted.find((port) => port.guest === lease.guest)?.host;
    const before = old.leases.filter((one) => one.guest === lease.guest);
    const same =
      before.find((one) => one.host === asked) ??
      before.find(({ host }) => !isCredentialPort(host));
    return same === undefined || lease.host === asked ? lease : { ...lease, host: same.host };
  });
}

/** When it fails, the VM is none the worse for it, but for the memory that it keeps until its next start. */
async function giveMemoryBack(ctx: Ctx, { record, driver }: Booted): Promise<void> {
  try {
    await driver.memory?.giveBack(record.name, ctx.io);
  } catch (error) {
    ctx.io.signal.throwIfAborted();
    const why = reasonOf(error).split('\n')[0];
    ctx.io.emit({ kind: 'warning', text: `it keeps the memory that it frees: ${why}` });
  }
}

async function powerOff(ctx: Ctx, { record, driver, guest }: Booted): Promise<void> {
  ctx.io.emit({ kind: 'phase', id: 'stop', title: 'Shutting down' });
  await guest.close();
  await driver.stop(record.name, ctx.io, { grace: 60_000 });
}

async function result(
  ctx: Ctx,
  record: VmRecord,
  { way, ...rest }: { outcome: CloneResult['outcome']; timings: Timings; way?: Way },
): Promise<CloneResult> {
  const { path, pathReason } = way ?? { path: null, pathReason: null };
  return { ...rest, vm: await readStatus(ctx, record), path, pathReason };
}

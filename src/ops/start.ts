import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { VmRecord } from '../core/record.ts';
import type { Journal } from '../core/store.ts';
import { shellQuote } from '../lib/quote.ts';
import { type CloneResult, clone, plainClone } from './clone.ts';
import type { ShowOnTerminal } from './login-password.ts';
import { changeVm, type Operation, operation } from './operation.ts';
import { startVm } from './start-vm.ts';
import { readStatus, type VmStatus } from './status.ts';
import { findTarget, findVm, named } from './target.ts';
import type { Timings } from './timings.ts';
import type { TrustChoice } from './trust.ts';
import { isUp, readVmState } from './vm-state.ts';

export interface StartResult {
  readonly outcome: 'created' | 'started' | 'unchanged';
  readonly vm: VmStatus;
  readonly timings: Timings;
  /** What it began from: `null` when it ran already. */
  readonly path: CloneResult['path'];
  readonly pathReason: CloneResult['pathReason'];
}

export interface StartInput {
  readonly target: string | undefined;
  readonly cwd: string;
  readonly wait: boolean;
  readonly trust: TrustChoice;
  /** Where the one-time password of a VM that is made first is shown. */
  readonly show?: ShowOnTerminal | undefined;
}

/**
 * Starts a VM by name or project. A running one is left as it is; a project without a VM gets one first. Fails with
 * `guest-failed` for a broken VM that could not be taken back.
 */
export function start(ctx: Ctx, input: StartInput): Promise<StartResult> {
  const begin = { event: 'vm.start', target: named(input.target) } as const;
  return operation(ctx, begin, async (op) => {
    const target = await findTarget(op.ctx, input.target, input.cwd);
    const name =
      target.kind === 'project' ? target.existing : await findVm(op.ctx, target.name, input.cwd);
    if (name === undefined) return create(op.ctx, input);
    const found = await changeVm(op, name, async (journal): Promise<StartResult | undefined> => {
      const record = await op.ctx.store.read(name);
      // Taking back an interrupted creation leaves nothing to start.
      return record && startRecord(op, record, { journal, wait: input.wait });
    });
    if (found !== undefined) return found;
    if (target.kind === 'project') return create(op.ctx, input);
    throw new CloneboxError('guest-failed', `${name} was never finished, and is gone now`, {
      hint: 'Make it again from its project: clonebox clone PATH --run',
      facts: { vm: name },
    });
  });
}

/** A project without a VM: `clone --run` with nothing said on the command line. */
async function create(ctx: Ctx, input: StartInput): Promise<StartResult> {
  const made = await clone(ctx, { ...plainClone, ...input, run: true });
  return { ...made, outcome: 'created' };
}

async function startRecord(
  op: Operation,
  record: VmRecord,
  options: { journal: Journal; wait: boolean },
): Promise<StartResult> {
  const { ctx } = op;
  const { name } = record;
  const way = { path: 'disk', pathReason: 'its own disk' } as const;
  const state = await readVmState(ctx, name, record);
  if (state.kind === 'broken') {
    throw new CloneboxError('guest-failed', `${name} is broken: ${state.reason}`, {
      hint: `Make it anew: clonebox clone ${shellQuote(record.plan.project ?? '.')} --replace; or remove it: clonebox delete ${name}`,
      facts: { vm: name, reason: state.reason },
    });
  }
  if (state.kind === 'paused') {
    throw new CloneboxError(
      'hypervisor-failed',
      `${name} is paused, by an I/O error of its disk or from outside`,
      {
        hint: `Free some disk space, then: clonebox restart ${name}`,
        facts: { vm: name },
      },
    );
  }
  if (isUp(state)) {
    op.skipped();
    return { ...way, outcome: 'unchanged', vm: await readStatus(ctx, record), timings: {} };
  }
  const { timings } = await startVm(ctx, record, options);
  const current = (await ctx.store.read(name)) ?? record;
  return { ...way, outcome: 'started', vm: await readStatus(ctx, current), timings };
}

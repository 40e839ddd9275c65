import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Bed } from './bed.ts';
import type { Fault } from './faults.ts';
import { leftovers, type Model, modelOf, recorded } from './model.ts';
import type { Operation } from './operations.ts';

/** An operation as it is when nothing happens: its steps, and the states before and after. */
export interface Undisturbed {
  readonly steps: readonly string[];
  readonly before: Model;
  readonly after: Model;
}

export type Verdict = 'untouched' | 'complete';

async function begin(bed: Bed, operation: Operation): Promise<void> {
  await bed.reset(operation.start);
  await operation.prepare?.(bed);
}

/** Runs an operation to its end and lists the points at which it can be struck. */
export async function rehearse(bed: Bed, operation: Operation): Promise<Undisturbed> {
  await begin(bed, operation);
  const before = await modelOf(bed, operation);
  const list = path.join(path.dirname(bed.root), 'points');
  rmSync(list, { force: true });
  const result = await bed.run(operation.argv(bed), { FAULT_LIST: list }, operation.input);
  if (result.exitCode !== 0) throw new Error(`${operation.name} failed:\n${result.stderr}`);
  const after = await modelOf(bed, operation);
  const left = leftovers(bed, after);
  if (left.length > 0) throw new Error(`${operation.name} leaves ${left.join(', ')}`);
  const lines = existsSync(list) ? readFileSync(list, 'utf8').trim().split('\n') : [];
  return { before, after, steps: lines.map((line) => line.replace(/^\d+ /, '')) };
}

/**
 * Strikes an operation at one point, mends the circumstance, lets the next command come, and says in which of the two
 * states everything is. Throws when it is in neither, when anything is left, or when it is not recorded once.
 */
export async function strike(
  bed: Bed,
  operation: Operation,
  at: { fault: Fault; point: number; known: Undisturbed },
): Promise<Verdict> {
  const { fault, point, known } = at;
  await begin(bed, operation);
  const told = recorded(bed, operation.event);
  const faulty = { FAULT_AT: String(point), FAULT_DO: fault.strike(bed.root) };
  const result = await bed.run(operation.argv(bed), faulty, operation.input);
  const said = `${result.stdout}\n${result.stderr}`;
  if (fault.name === 'kill -9' && result.exitCode !== 137)
    throw new Error(`it was not killed but ended with ${result.exitCode}: ${said}`);
  if (fault.mend !== undefined) spawnSync('/bin/sh', ['-c', fault.mend(bed.root)]);
  // Whoever only looks is not in the way, and sees every other VM as if nothing had happened.
  const between = await modelOf(bed, operation);
  expectSame(between.vms.other, known.before.vms.other, 'the other VM');
  const recovered = await bed.run(['recover', '--auto']);
  if (recovered.exitCode !== 0) throw new Error(`recover failed: ${recovered.stderr}\n${said}`);

  const now = await modelOf(bed, operation);
  const left = leftovers(bed, now);
  if (left.length > 0) throw new Error(`left: ${left.join(', ')}\n${said}`);
  const verified = await bed.run(['audit', 'verify']);
  if (verified.exitCode !== 0) throw new Error(`audit: ${verified.stdout}${verified.stderr}`);
  const lines = recorded(bed, operation.event) - told;
  if (lines !== 1) throw new Error(`${lines} lines in the audit log\n${said}`);
  if (isDeepStrictEqual(now, known.after)) return 'complete';
  expectSame(now, known.before, 'the state is neither that before nor that after');
  return 'untouched';
}

function expectSame(now: unknown, then: unknown, what: string): void {
  if (isDeepStrictEqual(now, then)) return;
  const show = (value: unknown) => JSON.stringify(value, undefined, 1);
  throw new Error(`${what}:\n${difference(show(then), show(now))}`);
}

/** The lines that are only on one side. */
function difference(then: string, now: string): string {
  const [old, fresh] = [then.split('\n'), now.split('\n')];
  return [
    ...old.filter((line) => !fresh.includes(line)).map((line) => `- ${line}`),
    ...fresh.filter((line) => !old.includes(line)).map((line) => `+ ${line}`),
  ]
    .slice(0, 40)
    .join('\n');
}

import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, makeBed } from '../crash/bed.ts';
import { faults } from '../crash/faults.ts';
import { operations } from '../crash/operations.ts';
import { cutPower, hasTracer } from '../crash/power.ts';
import { rehearse, strike } from '../crash/strike.ts';
import { root } from './support/cli.ts';

// A part of `npm run test:crash` (docs/reliability.md): what is most worth it each time, and one operation in turn.

const day = Number(process.env.CLONEBOX_CRASH_SLICE ?? Math.floor(Date.now() / 86_400_000));
const cannotMount =
  process.getuid?.() !== 0 || spawnSync('losetup', ['-f'], { stdio: 'ignore' }).status !== 0;

let bed: Bed;

const named = (name: string) => {
  const found = operations.find((operation) => operation.name === name);
  if (found === undefined) throw new Error(`there is no operation ${name}`);
  return found;
};
const inTurn = operations[day % operations.length] ?? named('start');
const faultInTurn = faults[Math.floor(day / operations.length) % faults.length];

beforeAll(async () => {
  if (cannotMount) return;
  execFileSync(process.execPath, [path.join(root, 'scripts/build.mjs'), '--faults']);
  bed = await makeBed();
});
afterAll(() => bed?.dispose());

/** Strikes at those of an operation's points that `choose` takes, and returns how many were left in each state. */
async function strikeAll(name: string, fault: string, choose: (point: string) => boolean) {
  const operation = named(name);
  const known = await rehearse(bed, operation);
  const count = { untouched: 0, complete: 0 };
  for (const [index, point] of known.steps.entries()) {
    const chosen = faults.find((one) => one.name === fault);
    if (chosen === undefined || !choose(point)) continue;
    count[await strike(bed, operation, { fault: chosen, point: index + 1, known })] += 1;
  }
  return count;
}

describe.skipIf(cannotMount)('after kill -9', () => {
  it('a creation that has not booted yet leaves nothing', async () => {
    const early = (point: string) => !/machine|committed|closed/.test(point);
    const { untouched, complete } = await strikeAll('clone', 'kill -9', early);
    expect(untouched).toBeGreaterThan(8);
    expect(complete).toBe(0);
  });

  it('a deletion is not begun, or goes to its end', async () => {
    const { untouched, complete } = await strikeAll('delete', 'kill -9', () => true);
    expect(untouched).toBeGreaterThan(0);
    expect(complete).toBeGreaterThan(0);
  });

  it('a replacement is not begun, or goes to its end, wherever the swap is struck', async () => {
    const swap = (point: string) => /in its place/.test(point);
    const { untouched, complete } = await strikeAll('clone --replace', 'kill -9', swap);
    expect(untouched).toBe(0);
    expect(complete).toBeGreaterThan(1);
  });
});

describe.skipIf(cannotMount)('in turn', () => {
  it(`${inTurn.name} is untouched or complete after ${faultInTurn?.name}`, async () => {
    const { untouched, complete } = await strikeAll(
      inTurn.name,
      faultInTurn?.name ?? '',
      () => true,
    );
    expect(untouched + complete).toBeGreaterThan(2);
  });
});

describe.skipIf(cannotMount || !hasTracer)('a cut of the power after any effect', () => {
  it.each(['delete', 'port add'])('of %s leaves everything untouched or complete', async (name) => {
    const { failed, unsynced } = await cutPower(bed, named(name));
    expect(failed.slice(0, 10).join('\n')).toBe('');
    expect(unsynced).toEqual([]);
  });
});

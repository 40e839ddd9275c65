import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../e2e/support/cli.ts';
import { type Bed, makeBed } from './bed.ts';
import { faults } from './faults.ts';
import { operations } from './operations.ts';
import { type Row, writeReport } from './report.ts';
import { rehearse, strike, type Undisturbed } from './strike.ts';

// Every operation, struck after each of its steps by each fault: docs/reliability.md. Takes most of an hour without KVM.

let bed: Bed;
const rows: Row[] = [];
const steps = new Map<string, readonly string[]>();

beforeAll(async () => {
  bed = await makeBed();
});

afterAll(() => {
  bed?.dispose();
  const file = process.env.CRASH_REPORT;
  if (file) writeReport(path.resolve(root, file), rows, steps);
});

describe.each(operations)('$name', (operation) => {
  let known: Undisturbed;

  beforeAll(async () => {
    known = await rehearse(bed, operation);
    steps.set(operation.name, known.steps);
  });

  it.each(faults)('is untouched or complete after $name at any point', async (fault) => {
    const failed: string[] = [];
    const count = { untouched: 0, complete: 0 };
    for (const [index, step] of known.steps.entries()) {
      try {
        count[await strike(bed, operation, { fault, point: index + 1, known })] += 1;
      } catch (error) {
        failed.push(`${index + 1} ${step}: ${error instanceof Error ? error.message : error}`);
      }
    }
    const points = known.steps.length;
    rows.push({ operation: operation.name, fault: fault.name, points, ...count, failed });
    expect(failed.join('\n\n')).toBe('');
    expect(points).toBeGreaterThan(2);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bed, makeBed } from './bed.ts';
import { operations } from './operations.ts';
import { cutPower, hasTracer } from './power.ts';

// What `kill -9` cannot show: a cut of the power loses what was written and not synced (docs/reliability.md).

let bed: Bed;
const chosen = operations.filter(({ name }) =>
  [
    'clone',
    'clone --apply',
    'delete',
    'delete --purge',
    'recover',
    'port add',
    'port remove',
  ].includes(name),
);

beforeAll(async () => {
  bed = await makeBed();
});
afterAll(() => bed?.dispose());

describe('a cut of the power after any effect', () => {
  it.skipIf(!hasTracer).each(chosen)(
    'of $name leaves everything untouched or complete',
    async (operation) => {
      const { failed, unsynced, ...numbers } = await cutPower(bed, operation);
      console.log(operation.name, numbers);
      expect(failed.slice(0, 10).join('\n')).toBe('');
      expect(unsynced).toEqual([]);
      expect(numbers.untouched).toBeGreaterThan(0);
      expect(numbers.complete).toBeGreaterThan(0);
    },
  );
});

import { expect, it } from 'vitest';
import { mapBounded } from './map-bounded.ts';

const later = () => new Promise((resolve) => setImmediate(resolve));

it('keeps the order, and runs no more at the same time than asked for', async () => {
  let running = 0;
  let most = 0;
  const double = async (number: number) => {
    most = Math.max(most, ++running);
    for (let turns = number % 3; turns >= 0; turns -= 1) await later();
    running -= 1;
    return number * 2;
  };
  expect(await mapBounded([5, 4, 3, 2, 1, 0], 3, double)).toEqual([10, 8, 6, 4, 2, 0]);
  expect(most).toBe(3);
  expect(await mapBounded([], 3, double)).toEqual([]);
});

it('fails with the first that fails', async () => {
  const fail = async (number: number) => {
    await later();
    if (number === 2) throw new Error('two');
    return number;
  };
  await expect(mapBounded([1, 2, 3], 2, fail)).rejects.toThrow('two');
});

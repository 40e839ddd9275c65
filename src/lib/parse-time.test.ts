import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTime } from './parse-time.ts';

/** A Thursday afternoon, the week before Easter and summer time are far away. */
const now = new Date(2026, 0, 15, 14, 30, 5).getTime();
const at = (...parts: [number, number, number, number?, number?, number?, number?]) =>
  new Date(...(parts as [number, number, number])).getTime();
const start = (text: string) => parseTime(text, { now, edge: 'start' });
const end = (text: string) => parseTime(text, { now, edge: 'end' });

describe('a time', () => {
  it.each([
    ['2026-01-02', at(2026, 0, 2)],
    ['2026-01-02T17:05', at(2026, 0, 2, 17, 5)],
    ['2026-01-02 17:05:09', at(2026, 0, 2, 17, 5, 9)],
    ['2026-01-02T17:05:09.25', at(2026, 0, 2, 17, 5, 9, 250)],
    ['2026-01-02T17:05Z', Date.UTC(2026, 0, 2, 17, 5)],
    ['2026-01-02T17:05:09.250z', Date.UTC(2026, 0, 2, 17, 5, 9, 250)],
    ['2026-01-02T17:05+02:00', Date.UTC(2026, 0, 2, 15, 5)],
    ['2026-01-02T17:05-0330', Date.UTC(2026, 0, 2, 20, 35)],
    ['2026-01-02T17:05+02', Date.UTC(2026, 0, 2, 15, 5)],
    ['2024-02-29', at(2024, 1, 29)],
  ])('in ISO 8601: %s', async (text, time) => {
    expect(await start(text)).toBe(time);
  });

  it.each([
    ['2h', 2 * 3_600_000],
    ['7d', 7 * 86_400_000],
    ['1h30m', 5_400_000],
    ['90s ago', 90_000],
    ['-2h', 2 * 3_600_000],
    ['1 week', 7 * 86_400_000],
    ['1 week ago', 7 * 86_400_000],
    ['2w', 14 * 86_400_000],
    ['3 days ago', 3 * 86_400_000],
    ['an hour ago', 3_600_000],
    ['5 minutes', 300_000],
  ])('as far back as said: %s', async (text, back) => {
    expect(await start(text)).toBe(now - back);
  });

  it('by the calendar for months and years', async () => {
    expect(await start('1 month ago')).toBe(at(2025, 11, 15, 14, 30, 5));
    expect(await start('2 years')).toBe(at(2024, 0, 15, 14, 30, 5));
    const march = at(2026, 2, 31, 12);
    expect(await parseTime('1 month', { now: march, edge: 'start' })).toBe(at(2026, 1, 28, 12));
  });

  it.each([
    ['yesterday at 5pm', at(2026, 0, 14, 17)],
    ['yesterday', at(2026, 0, 14)],
    ['today', at(2026, 0, 15)],
    ['last monday', at(2026, 0, 12)],
    ['monday at 9:30', at(2026, 0, 12, 9, 30)],
    ['two days ago', now - 2 * 86_400_000],
    ['friday', at(2026, 0, 9)],
    ['5pm', at(2026, 0, 14, 17)],
    ['9am', at(2026, 0, 15, 9)],
    ['tomorrow', at(2026, 0, 16)],
  ])('in English: %s', async (text, time) => {
    expect(new Date(await start(text))).toEqual(new Date(time));
  });

  it('is the end of a day where it ends something', async () => {
    expect(await end('2026-01-02')).toBe(at(2026, 0, 3) - 1);
    expect(await end('yesterday')).toBe(at(2026, 0, 15) - 1);
    expect(await end('2026-01-02T10:00')).toBe(at(2026, 0, 2, 10));
    expect(await end('2h')).toBe(now - 7_200_000);
  });

  it.each(
    [
      ['', '2', 'soonish', 'foo yesterday', 'yesterday bar', '2026-13-01', '2026-02-30'],
      ['2026-01-02T24:00', '2026-01-02T10', '20260102', '2h-', 'a', 'x'.repeat(500)],
    ].flat(),
  )('is not %j', async (text) => {
    await expect(start(text)).rejects.toThrow(RangeError);
  });

  it('is read back from what the log writes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 0)), noInvalidDate: true }),
        async (date) => {
          expect(await start(date.toISOString())).toBe(date.getTime());
        },
      ),
    ));
});

describe('in the zone of Berlin', () => {
  const zone = process.env.TZ;
  beforeAll(() => {
    process.env.TZ = 'Europe/Berlin';
  });
  afterAll(() => {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  });

  it('a time without a zone is of that zone, in summer too', async () => {
    expect(await start('2026-01-02T17:00')).toBe(Date.UTC(2026, 0, 2, 16));
    expect(await start('2026-07-02T17:00')).toBe(Date.UTC(2026, 6, 2, 15));
    expect(await end('2026-03-29')).toBe(Date.UTC(2026, 2, 29, 22) - 1);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { journalLines, mergeLines, parseOwn, serialLines } from './log-lines.ts';

const start = Date.parse('2026-01-31T10:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000).toISOString();
const times = (lines: readonly { time: string | null }[]) => lines.map(({ time }) => time);

describe('the serial console', () => {
  const boot = [
    'SeaBIOS',
    '[    0.000000] Linux version 6.1',
    '[    2.500000] systemd[1]: hello',
    '[  OK  ] Started a unit.',
    '[   10.250000] late',
    'shop login:',
  ].join('\r\n');

  it('has its times from the start of the machine that runs', () => {
    const lines = serialLines(boot, { startedAt: start, endedAt: start + 60_000 });
    expect(times(lines)).toEqual([at(0), at(0), at(2.5), at(2.5), at(10.25), at(10.25)]);
    expect(lines[2]).toMatchObject({ source: 'serial', text: '[    2.500000] systemd[1]: hello' });
  });

  it('of a VM that is off ends when its file was last written to', () => {
    const lines = serialLines(boot, { startedAt: undefined, endedAt: start + 10_250 });
    expect(times(lines)).toEqual([at(0), at(0), at(2.5), at(2.5), at(10.25), at(10.25)]);
  });

  it('knows no times of earlier boots, and none later than the last', () => {
    const both = `${boot}\n[    0.000000] Linux again\n[    9.000000] more`;
    const lines = serialLines(both, { startedAt: start, endedAt: start + 5000 });
    expect(times(lines).slice(0, 6)).toEqual(Array(6).fill(null));
    expect(times(lines).slice(6)).toEqual([at(0), at(5)]);
  });

  it('has lines without a kernel too, and none of nothing', () => {
    const clock = { startedAt: undefined, endedAt: start };
    expect(serialLines('about to panic\n', clock)).toMatchObject([{ time: at(0) }]);
    expect(serialLines('', clock)).toEqual([]);
  });

  it('is safe for a terminal whatever a guest writes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const line of serialLines(text, { startedAt: start, endedAt: start }))
          expect(line.text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }),
    );
  });
});

describe("the guest's journal", () => {
  const entry = (fields: object) =>
    journalLines(JSON.stringify({ __REALTIME_TIMESTAMP: String(start * 1000), ...fields }));

  it('tells who said what, exactly when, and how bad it is', () => {
    const fields = { SYSLOG_IDENTIFIER: 'web', _PID: '7', PRIORITY: '3', __CURSOR: 's=1' };
    expect(entry({ ...fields, MESSAGE: 'one\n\u001b[31mtwo' })).toEqual({
      lines: ['web[7]: one', 'web[7]: two'].map((text) => ({
        ...{ time: at(0), source: 'journal', level: 'error', text },
      })),
      cursor: 's=1',
    });
  });

  it('may hold messages that are no text', () => {
    expect(entry({ _COMM: 'x', MESSAGE: [104, 105, 7] }).lines).toMatchObject([{ text: 'x: hi' }]);
    expect(entry({ MESSAGE: null }).lines).toEqual([]);
  });

  it('is never trusted to be what it should be', () => {
    for (const text of ['', '-- No entries --', '{', '[]', '7'])
      expect(journalLines(text)).toEqual({ lines: [], cursor: undefined });
    expect(entry({ __REALTIME_TIMESTAMP: 'x', MESSAGE: 'm' }).lines).toMatchObject([
      { time: null },
    ]);
    expect(entry({ PRIORITY: '99', MESSAGE: 'm' }).lines[0]).not.toHaveProperty('level');
  });
});

describe("CloneBox's own log", () => {
  const line = JSON.stringify({ level: 'info', time: at(0), event: 'a.b', vm: 'shop' });

  it('is read line by line', () => {
    expect(parseOwn(line)).toEqual({
      ...{ level: 'info', time: at(0), event: 'a.b', facts: { vm: 'shop' } },
    });
  });

  it('is read on behind a line that a full disk cut short', () => {
    for (let cut = 1; cut < line.length; cut += 1)
      expect(parseOwn(line.slice(0, cut) + line)).toMatchObject({ event: 'a.b' });
  });

  it('leaves aside what is no line of it', () => {
    for (const text of ['', 'x', '{}', 'null', line.slice(0, -1), line.replace(at(0), 'now')])
      expect(parseOwn(text)).toBeUndefined();
  });
});

it('lines of several sources are told by time, each source in its own order', () => {
  const lines = (source: 'clonebox' | 'serial', ...seconds: (number | null)[]) =>
    seconds.map((second, index) => ({
      ...{ source, time: second === null ? null : at(second), text: `${source[0]}${index}` },
    }));
  const merged = mergeLines([lines('clonebox', 1, 5, 4, 9), lines('serial', null, null, 0, 5, 6)]);
  expect(merged.map(({ text }) => text).join(' ')).toBe('s0 s1 s2 c0 c1 c2 s3 s4 c3');
});

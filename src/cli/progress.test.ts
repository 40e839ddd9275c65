import { describe, expect, it } from 'vitest';
import type { Progress } from '../core/io.ts';
import { colorsFor } from './colors.ts';
import { createProgress } from './progress.ts';
import { drawFinished, drawLive } from './progress-live.ts';
import { widthOf } from './text.ts';

const colors = colorsFor({ isTty: false, wanted: true, env: {} });
const erase = '\r\u001b[K';

/** A view whose clock and ticks the test moves. */
function view(mode: 'live' | 'plain' | 'quiet', { verbose = false } = {}) {
  const written: string[] = [];
  const ticks = new Set<() => void>();
  const clock = { time: 0 };
  const progress = createProgress(mode, {
    write: (text) => written.push(text),
    ...{ colors, columns: 80, verbose, unicode: true },
    now: () => clock.time,
    every: (_, action) => {
      ticks.add(action);
      return () => ticks.delete(action);
    },
  });
  const at = (time: number, event: Progress) => {
    clock.time = time;
    progress.emit(event);
  };
  const tick = (time: number) => {
    clock.time = time;
    for (const action of ticks) action();
  };
  return { progress, at, tick, ticks, text: () => written.join('') };
}

const phase = (title: string, id = 'x'): Progress => ({ kind: 'phase', id, title });
const transfer = (done: number, total: number | undefined = 1000): Progress => ({
  ...{ kind: 'transfer', what: 'disk.img', done, total },
});

describe('progress without a terminal', () => {
  it('is a line for each phase, note and warning; details only with --verbose', () => {
    const events: Progress[] = [
      phase('Making the disk'),
      { kind: 'detail', text: 'qemu-img' },
      { kind: 'note', text: 'wrote it' },
      { kind: 'warning', text: 'careful' },
    ];
    const { progress, text } = view('plain');
    for (const event of events) progress.emit(event);
    progress.finish('done');
    expect(text()).toBe('Making the disk\nwrote it\nwarning: careful\n');
    const loud = view('plain', { verbose: true });
    for (const event of events) loud.progress.emit(event);
    expect(loud.text()).toContain('  qemu-img\n');
  });

  it('tells of a transfer at every tenth', () => {
    const { at, text } = view('plain');
    for (let done = 0; done <= 1000; done += 10) at(done, transfer(done));
    expect(text().split('\n').filter(Boolean)).toHaveLength(11);
    expect(text()).toContain('  disk.img: 50% of 1000B');
  });

  it('tells of a slow transfer every five seconds, also without a known size', () => {
    const { at, text } = view('plain');
    for (let second = 0; second <= 20; second += 1) {
      at(second * 1000, { kind: 'transfer', what: 'disk.img', done: second, total: undefined });
    }
    expect(text().split('\n').filter(Boolean)).toHaveLength(5);
    expect(text()).toContain('1B/s');
  });
});

describe('progress with --quiet', () => {
  it('is warnings alone', () => {
    const { progress, text } = view('quiet');
    for (const event of [
      phase('Making the disk'),
      transfer(5),
      { kind: 'note', text: 'n' } as const,
    ]) {
      progress.emit(event);
    }
    progress.emit({ kind: 'warning', text: 'careful' });
    progress.finish('failed');
    expect(text()).toBe('warning: careful\n');
  });
});

describe('the live line', () => {
  it('leaves a line of each finished phase and stops ticking at the end', () => {
    const { at, tick, ticks, progress, text } = view('live');
    at(0, phase('Making the disk'));
    at(200, { kind: 'detail', text: 'qemu-img' });
    tick(300);
    at(1500, phase('Booting (TCG)'));
    tick(3500);
    progress.finish('done');
    expect(text()).toContain(`${erase}✓ Making the disk  1.5s\n`);
    expect(text()).toMatch(/Making the disk {2}0s {2}qemu-img/);
    expect(text()).toContain('Booting (TCG)  2s');
    expect(text().endsWith(`${erase}✓ Booting (TCG)  2.0s\n`)).toBe(true);
    expect(ticks.size).toBe(0);
  });

  it('marks the phase that failed, before a rollback and at the end', () => {
    const { at, progress, text } = view('live');
    at(0, phase('Installing packages'));
    at(1000, phase('Taking back what was made', 'rollback'));
    progress.finish('failed');
    expect(text()).toContain('✗ Installing packages  1.0s\n');
    expect(text()).toContain('✗ Taking back what was made');
  });

  it('makes room for notes and warnings, broken at 80 columns', () => {
    const { at, text } = view('live');
    at(0, phase('Booting'));
    at(0, { kind: 'warning', text: 'word '.repeat(40) });
    const lines = text()
      .split(erase)
      .flatMap((part) => part.split('\n'));
    expect(lines.some((line) => line.startsWith('! word'))).toBe(true);
    expect(lines.every((line) => line.length <= 80)).toBe(true);
  });

  it('is gone when something else writes, and comes back with the next event', () => {
    const { at, ticks, progress, text } = view('live');
    at(0, phase('Booting'));
    progress.pause();
    expect(text().endsWith(erase)).toBe(true);
    expect(ticks.size).toBe(0);
    at(100, { kind: 'detail', text: 'again' });
    expect(ticks.size).toBe(1);
  });

  it('never obeys what a guest sends', () => {
    const { at, tick, text } = view('live');
    at(0, phase('Booting'));
    at(0, { kind: 'detail', text: 'first\nlast \u001b[2J\u0007\u202Eline' });
    tick(100);
    expect(text()).toContain('last line');
    expect(text().replaceAll(erase, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it.each([
    ['a long detail', { detail: 'x'.repeat(300) }],
    ['a wide detail', { detail: '漢字'.repeat(80) }],
    ['nothing', {}],
  ])('fits into its columns with %s', (_, extra) => {
    for (const columns of [20, 40, 80]) {
      const state = { title: 'Installing packages of the project', elapsed: 754_000, frame: 3 };
      const line = drawLive({ ...state, ...extra }, { colors, columns, unicode: true });
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });

  it('shows a transfer as a bar with rate and time left', () => {
    const line = drawLive(
      {
        ...{ title: 'Downloading', elapsed: 12_000, frame: 0 },
        transfer: {
          what: 'disk.img',
          done: 50,
          total: 100,
          share: 0.5,
          rate: 5 * 1024 ** 2,
          left: 90_000,
        },
      },
      { colors, columns: 80, unicode: true },
    );
    expect(line).toContain('█'.repeat(10) + '░'.repeat(10));
    expect(line).toContain('50% of 100B, 5M/s, 1m30s left');
    expect(widthOf(line)).toBeLessThanOrEqual(80);
  });

  it('uses plain letters where the terminal has no others', () => {
    const drawing = { colors, columns: 80, unicode: false };
    expect(drawFinished('done', { title: 'Booting', elapsed: 100 }, drawing)).toBe(
      '+ Booting  0.1s',
    );
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Level, LogLine } from '../../src/cli/log.ts';
import { createHomeLog } from '../../src/cli/log-home.ts';
import { createLogFile } from '../../src/host/log-file.ts';

let home: string;
let warnings: unknown[];
beforeEach(() => {
  home = path.join(mkdtempSync(path.join(tmpdir(), 'cb-home-')), 'state');
  warnings = [];
});
afterEach(() => rmSync(path.dirname(home), { recursive: true, force: true }));

const line = (event: string, level: Level = 'info'): LogLine => ({
  ...{ time: '2026-01-31T10:00:00.000Z', level, event, facts: { vm: 'shop', list: [1, 'two'] } },
});
const file = () => path.join(home, 'log/clonebox.jsonl');
const open = () => createLogFile(file(), { limit: 1000, keep: 5 });
const written = () =>
  readFileSync(file(), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Record<string, unknown>);
const createLog = () => createHomeLog({ threshold: 'info', warn: (error) => warnings.push(error) });

describe('the log in the state directory', () => {
  it('makes no state directory for what only looks', async () => {
    const log = createLog();
    log.open(open());
    log.write(line('images.vendor.unreachable'));
    log.write(line('command.failed', 'error'));
    expect(await log.close()).toBe(false);
    expect(existsSync(home)).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('begins with the first operation, with what came before it in the same command', async () => {
    const log = createLog();
    log.write(line('first'));
    log.write(line('vm.create.started'));
    log.open(open());
    expect(await log.close()).toBe(true);
    expect(written()).toEqual([
      { ...line('first'), facts: undefined, ...line('first').facts },
      { ...line('vm.create.started'), facts: undefined, ...line('first').facts },
    ]);
    log.write(line('later'));
    expect(written().at(-1)?.event).toBe('later');
  });

  it('has what waits to be written even when the process ends at once', async () => {
    const log = createLog();
    log.open(open());
    log.write(line('vm.create.started'));
    for (const listener of process.listeners('exit').slice(-1)) listener.call(process, 0);
    expect(written()).toMatchObject([{ event: 'vm.create.started', vm: 'shop' }]);
    await log.close();
    expect(written()).toHaveLength(1);
  });

  it('costs nothing as long as there is nothing to say', async () => {
    const before = process.listenerCount('exit');
    const log = createLog();
    log.open({
      append: () => {
        throw new Error('not asked');
      },
    });
    expect(process.listenerCount('exit')).toBe(before);
    expect(await log.close()).toBe(false);
  });

  it('warns once when it cannot be written, and goes on', async () => {
    const log = createLog();
    log.open({
      append: () => {
        throw new Error('full');
      },
    });
    log.write(line('one'));
    log.write(line('two'));
    expect(await log.close()).toBe(false);
    expect(warnings).toEqual([new Error('full')]);
  });
});

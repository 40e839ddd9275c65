import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../src/core/host.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { migrate } from '../../src/ops/migrate.ts';
import { createOperationBed, full, type OperationBed } from '../fixtures/operation-bed.ts';

let bed: OperationBed;
let project: string;
let file: string;
const old =
  "version: '1'\nvm:\n  name: shop # ours\n  ram_mb: 1024\n  password: hunter2hunter2\n  gui: true\n";
const young =
  "# yaml-language-server: $schema=https://json.schemastore.org/clonebox.json\nversion: '2'\nvm:\n  name: shop # ours\n  memory: 1G\n";
const run = (options: { dryRun?: boolean; backup?: boolean } = {}) =>
  migrate(bed.context(), { target: project, cwd: '/', dryRun: false, backup: false, ...options });

beforeEach(() => {
  bed = createOperationBed();
  project = mkdtempSync(path.join(tmpdir(), 'cbp-'));
  file = path.join(project, '.clonebox.yaml');
  writeFileSync(file, old);
});
afterEach(() => {
  bed.remove();
  rmSync(project, { recursive: true });
});

describe('config migrate', () => {
  it('writes the file as version 2 and leaves nothing else', async () => {
    chmodSync(file, 0o640);
    expect(await run()).toMatchObject({
      ...{ file, outcome: 'migrated', backup: null },
      notes: [
        { path: 'vm.ram_mb', kind: 'carried', line: 4, column: 3 },
        { path: 'vm.password', kind: 'lost' },
        { path: 'vm.gui', kind: 'lost' },
      ],
    });
    expect(readFileSync(file, 'utf8')).toBe(young);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(project)).toEqual(['.clonebox.yaml']);
    expect(bed.journals()).toEqual([]);
    expect(bed.told()).toMatchObject([
      { event: 'config.modify', outcome: 'success', target: { type: 'config', name: file } },
    ]);
    expect(JSON.stringify(bed.told())).not.toContain('hunter2');
  });

  it('changes nothing the second time', async () => {
    await run();
    expect(await run()).toEqual({ file, outcome: 'unchanged', notes: [], diff: [], backup: null });
    expect(readFileSync(file, 'utf8')).toBe(young);
    expect(bed.told()).toMatchObject([{ outcome: 'success' }, { outcome: 'skipped' }]);
  });

  it('shows with --dry-run what it would do, without the password, and writes nothing', async () => {
    const { outcome, diff } = await run({ dryRun: true });
    expect([outcome, readFileSync(file, 'utf8')]).toEqual(['would-migrate', old]);
    expect(diff).toContain('+  memory: 1G');
    expect(diff).toContain('-  password: [redacted]');
    expect(bed.told()).toEqual([]);
  });

  it('keeps the old file when asked, and never over another one', async () => {
    expect(await run({ backup: true })).toMatchObject({ backup: `${file}.v1` });
    expect(readFileSync(`${file}.v1`, 'utf8')).toBe(old);
    writeFileSync(file, old.replace('1024', '2048'));
    await expect(run({ backup: true })).rejects.toMatchObject({ code: 'conflict' });
    expect(readFileSync(`${file}.v1`, 'utf8')).toBe(old);
    expect(readFileSync(file, 'utf8')).toContain('2048');
  });

  it('writes through a link', async () => {
    writeFileSync(path.join(project, 'real.yaml'), old);
    rmSync(file);
    symlinkSync('real.yaml', file);
    await run();
    expect(readFileSync(path.join(project, 'real.yaml'), 'utf8')).toBe(young);
    expect(statSync(file).isFile()).toBe(true);
  });

  it('leaves the file as it was when it cannot be written, or means nothing', async () => {
    const host = {
      openTree: async (directory: string): ReturnType<Host['openTree']> => {
        const opened = await bed.host.openTree(directory);
        if (opened.kind !== 'tree') return opened;
        return { ...opened, tree: { ...opened.tree, replace: () => Promise.reject(full) } };
      },
    };
    const ctx = bed.context({ host });
    const input = { target: project, cwd: '/', dryRun: false, backup: false };
    await expect(migrate(ctx, input)).rejects.toBe(full);
    expect(readFileSync(file, 'utf8')).toBe(old);
    writeFileSync(file, old.replace('1024', 'lots'));
    await expect(run()).rejects.toMatchObject({ code: 'config-invalid' });
    rmSync(file);
    await expect(run()).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('a file of version 1', () => {
  it('is read as it is, with one warning, whatever reads it how often', async () => {
    const ctx = bed.context();
    const target = {
      kind: 'project',
      directory: project,
      configFile: file,
      existing: undefined,
    } as const;
    const { plan } = await loadPlan(ctx, target, { overrides: {} });
    await loadPlan(ctx, target, { overrides: {} });
    expect(plan).toMatchObject({ name: 'shop', memory: 1024 ** 3 });
    expect(bed.emitted).toMatchObject([{ kind: 'warning' }]);
    const [{ text } = { text: '' }] = bed.emitted as { text: string }[];
    expect(text).toMatch(/version 1 .*config migrate .*vm\.password .*key.*vm\.gui/);
    expect(text).not.toContain('hunter2');
    expect(readFileSync(file, 'utf8')).toBe(old);
  });
});

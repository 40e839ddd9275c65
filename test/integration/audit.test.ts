import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createHost } from '../../src/host/local.ts';
import { createAudit } from '../../src/store/audit/audit.ts';
import { findRecords } from '../../src/store/audit/find.ts';
import { verifyLog } from '../../src/store/audit/verify.ts';
import { type AuditBed, auditEntry, createAuditBed } from '../fixtures/audit-bed.ts';

// The audit log with what only a real machine has: other processes, full disks, and those that cannot be written.

const io = quietIo();
const verify = (bed: AuditBed) => verifyLog(bed.place, { io });

async function idsOf(bed: AuditBed): Promise<string[]> {
  const ids: string[] = [];
  for await (const { found } of findRecords(bed.place, {}, { order: 'oldest first', io })) {
    ids.push(...found.map(({ record }) => record.id));
  }
  return ids;
}

describe('twenty processes', () => {
  const worker = `
    import { createHost } from './src/host/local.ts';
    import { createAudit } from './src/store/audit/audit.ts';
    import { quietIo } from './src/core/quiet-io.ts';
    import { auditEntry } from './test/fixtures/audit-bed.ts';
    const [, , home, number, count] = process.argv;
    const audit = createAudit({ host: createHost(), paths: { home } }, { segmentBytes: 4000 });
    for (let event = 0; event < Number(count); event++) {
      await audit.reserve(quietIo());
      await audit.append(auditEntry(Number(number) * 100 + event), quietIo());
    }
  `;
  const scratch = mkdtempSync(join(tmpdir(), 'cb-audit-worker-'));
  const script = join(scratch, 'worker.mjs');
  beforeAll(async () => {
    const resolveDir = fileURLToPath(new URL('../..', import.meta.url));
    await build({
      ...{ stdin: { contents: worker, resolveDir, loader: 'ts' }, outfile: script, bundle: true },
      ...{ platform: 'node', format: 'esm', target: 'node20', logLevel: 'error' },
    });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  const start = (home: string, number: number, count: number) => {
    const child = spawn(process.execPath, [script, home, String(number), String(count)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const ended = new Promise<string>((resolve) => child.once('close', () => resolve(errors)));
    return { child, ended };
  };
  const twenty = Array.from({ length: 20 }, (_, number) => number);

  it('write one chain with every event once, over rotations, while others read it', async () => {
    const bed = createAuditBed();
    const writers = twenty.map((number) => start(bed.home, number, 5));
    try {
      let isDone = false;
      const all = Promise.all(writers.map(({ ended }) => ended)).finally(() => {
        isDone = true;
      });
      while (!isDone) {
        expect((await verify(bed)).problem).toBeNull();
        const ids = await idsOf(bed);
        expect(new Set(ids).size).toBe(ids.length);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect((await all).join('')).toBe('');
      const wanted = twenty.flatMap((number) =>
        Array.from({ length: 5 }, (_, event) => auditEntry(number * 100 + event).id),
      );
      expect((await idsOf(bed)).sort()).toEqual(wanted.sort());
      expect(bed.segments().length).toBeGreaterThan(5);
      expect(await verify(bed)).toMatchObject({ ok: true, events: 100, notes: [] });
    } finally {
      for (const { child, ended } of writers) {
        child.kill('SIGKILL');
        await ended;
      }
      bed.remove();
    }
  });

  it('that are killed at any moment leave a whole chain, and nothing that is locked', async () => {
    const bed = createAuditBed();
    try {
      const writers = twenty.map((number) => start(bed.home, number, 99));
      for (const { child, ended } of writers) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        child.kill('SIGKILL');
        await ended;
      }
      await createAudit(bed.place).append(auditEntry(5000), io);
      const ids = await idsOf(bed);
      expect(new Set(ids).size).toBe(ids.length);
      expect(await verify(bed)).toMatchObject({ ok: true, events: ids.length, notes: [] });
    } finally {
      bed.remove();
    }
  });
});

/** Runs `action` with a small file system for the log, or says why there is none. */
async function withSmallDisk(
  skip: (reason: string) => void,
  action: (bed: AuditBed, remount: (how: string) => void) => Promise<void>,
): Promise<void> {
  const bed = createAuditBed();
  const mount = (options: string) =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'clonebox-test', bed.home], {
      encoding: 'utf8',
    });
  const mounted = mount('size=256k,mode=0700');
  try {
    if (mounted.status !== 0) return skip(`no tmpfs may be mounted: ${mounted.stderr}`);
    await action(bed, (how) => expect(mount(`remount,${how}`).status).toBe(0));
  } finally {
    if (mounted.status === 0) spawnSync('umount', [bed.home]);
    bed.remove();
  }
}

/** Fills what is left of the disk to the last byte. */
function fill(bed: AuditBed): void {
  for (const size of [1 << 16, 1 << 12, 1]) {
    for (let number = 0; ; number += 1) {
      try {
        writeFileSync(join(bed.home, `filler-${size}-${number}`), Buffer.alloc(size, 1));
      } catch {
        rmSync(join(bed.home, `filler-${size}-${number}`), { force: true });
        break;
      }
    }
  }
}

describe('a full disk', () => {
  it('lets the line of an operation that has begun be written, and no other begin', ({ skip }) =>
    withSmallDisk(skip, async (bed) => {
      const audit = createAudit(bed.place);
      await audit.reserve(io);
      const long = { details: { text: 'x'.repeat(900), more: 'y'.repeat(900) } };
      // Until the last page of the log is full as well, so that the line needs one of its own.
      await audit.append(auditEntry(1, long), io);
      await audit.append(auditEntry(2, long), io);
      fill(bed);
      await audit.reserve(io);
      for (const index of [3, 4, 5]) await audit.append(auditEntry(index, long), io);
      expect(await idsOf(bed)).toEqual([1, 2, 3, 4, 5].map((index) => auditEntry(index).id));
      expect(await verify(bed)).toMatchObject({ ok: true, events: 5, notes: [] });
      fill(bed);
      const refused = await audit.reserve(io).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        ...{ code: 'host-unable', hint: expect.stringContaining('Free some space') },
        facts: { errno: 'ENOSPC' },
      });
      expect(statSync(bed.file('audit.jsonl')).size).toBeGreaterThan(0);
    }));

  it('from the beginning lets nothing begin', ({ skip }) =>
    withSmallDisk(skip, async (bed) => {
      mkdirSync(bed.file('.'));
      fill(bed);
      await expect(createAudit(bed.place).reserve(io)).rejects.toMatchObject({
        ...{ code: 'host-unable', message: expect.stringContaining('the disk is full') },
      });
    }));

  it('does not take a sparse file for room', ({ skip }) =>
    withSmallDisk(skip, async (bed) => {
      const audit = createAudit(bed.place);
      await audit.reserve(io);
      writeFileSync(bed.file('ballast'), '');
      spawnSync('truncate', ['-s', '65536', bed.file('ballast')]);
      fill(bed);
      await expect(audit.reserve(io)).rejects.toMatchObject({ code: 'host-unable' });
    }));
});

describe('a log that cannot be written', () => {
  it('on a read-only disk lets nothing begin, and can be read', ({ skip }) =>
    withSmallDisk(skip, async (bed, remount) => {
      const audit = createAudit(bed.place);
      await audit.append(auditEntry(1), io);
      await audit.reserve(io);
      remount('ro');
      try {
        await expect(audit.reserve(io)).rejects.toMatchObject({
          ...{
            code: 'host-unable',
            hint: expect.stringContaining('point CLONEBOX_HOME elsewhere'),
          },
        });
        expect(await idsOf(bed)).toEqual([auditEntry(1).id]);
        expect(await verify(bed)).toMatchObject({ ok: true });
      } finally {
        remount('rw');
      }
    }));

  it('because of its mode lets nothing begin', async ({ skip }) => {
    if (createHost().user.uid === 0) return skip('root may write everything');
    const bed = createAuditBed();
    try {
      await createAudit(bed.place).append(auditEntry(1), io);
      chmodSync(bed.file('.'), 0o500);
      rmSync(bed.file('ballast'), { force: true });
      await expect(createAudit(bed.place).reserve(io)).rejects.toMatchObject({
        code: 'host-unable',
      });
    } finally {
      chmodSync(bed.file('.'), 0o700);
      bed.remove();
    }
  });
});

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runLine } from '../../src/cli/run-line.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import type { AuditEntry } from '../../src/core/audit.ts';
import { type AuditBed, auditEntry, chainedLines, createAuditBed } from '../fixtures/audit-bed.ts';

let bed: AuditBed;
const zone = process.env.TZ;
beforeEach(() => {
  process.env.TZ = 'Europe/Berlin';
  bed = createAuditBed();
});
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
  bed.remove();
});

/** Runs `clonebox audit …` on the log of the bed, at noon of the day of its events. */
async function audit(
  words: readonly string[],
  {
    columns,
    stop,
    sleep,
  }: { columns?: number; stop?: AbortSignal; sleep?: () => Promise<void> } = {},
) {
  const texts = { stdout: '', stderr: '' };
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => {
      texts[stream] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    },
    ...(columns === undefined ? {} : { columns }),
  });
  const terminal: Terminal = {
    env: { NO_COLOR: '1' },
    cwd: () => bed.home,
    stdout: output('stdout'),
    stderr: output('stderr'),
    isTty: { stdin: false, stdout: columns !== undefined, stderr: false },
    readInput: async () => Buffer.alloc(0),
    unread: stop ?? new AbortController().signal,
  };
  const now = () => Date.UTC(2026, 0, 1, 12);
  const host = { ...bed.place.host, now, ...(sleep && { sleep }) };
  const code = await runLine(['audit', ...words], terminal, { host });
  return {
    code,
    ...texts,
    get json() {
      return JSON.parse(texts.stdout);
    },
    get lines() {
      return texts.stdout.trimEnd().split('\n');
    },
  };
}

function write(entries: readonly AuditEntry[]): void {
  const { lines, head } = chainedLines([entries]);
  bed.write('audit.jsonl', (lines[0] ?? []).join(''));
  bed.write('head', head);
}

const failed = {
  outcome: 'failure',
  error: { code: 'guest-failed', message: 'no, "never"\n=1+1' },
} as const;
const shop = [
  auditEntry(0, { event: 'vm.create', actor: { ...auditEntry(0).actor, user: 'admin' } }),
  auditEntry(1),
  auditEntry(2, {
    ...failed,
    event: 'port.add',
    correlation: auditEntry(1).id,
    details: { guest: 80 },
  }),
  auditEntry(3, { parent: auditEntry(2).id, target: null, outcome: 'denied' }),
];
const ids = (...indices: number[]) => indices.map((index) => auditEntry(index).id);

describe('an empty log', () => {
  it.each([
    ['list'],
    ['search', 'x'],
    ['failures'],
    ['tail'],
    ['verify'],
    ['export', '--format', 'jsonl'],
  ])('is no failure and is not made by reading: audit %s', async (...words) => {
    const { code, stderr, stdout } = await audit(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    if (words[0] !== 'export') expect(stdout).toMatch(/^No events/);
    expect(readdirSync(bed.home)).not.toContain('audit');
  });

  it('is an empty document', async () => {
    expect((await audit(['list', '--json'])).json).toEqual({ events: [] });
    expect((await audit(['export'])).json).toEqual({ events: [] });
    expect((await audit(['verify', '--json'])).json).toMatchObject({ ok: true, head: null });
  });
});

describe('audit list, search and failures', () => {
  beforeEach(() => write(shop));

  it('show a table with the zone, and for scripts events', async () => {
    const { lines } = await audit(['list']);
    expect(lines[0]).toBe('times in Europe/Berlin (UTC+01:00)');
    expect(lines[1]).toMatch(/^ID +TIME +EVENT +TARGET +OUTCOME +BY +TOOK$/);
    expect(lines[2]).toMatch(
      /^\w{16} {2}2026-01-01 01:00:03 {2}vm\.start +- +denied +alice +0\.5s$/,
    );
    expect(lines).toHaveLength(6);
    const { events } = (await audit(['list', '--json', '--limit', '2'])).json;
    expect(events[1]).toMatchObject({ ...shop[2], seq: 3 });
    expect(events).toHaveLength(2);
  });

  it('find by event, user, VM, outcome, time and text', async () => {
    const found = async (...words: string[]) =>
      (await audit([...words, '--json'])).json.events.map(({ id }: AuditEntry) => id);
    expect(await found('search', '--event', 'vm.create', '--user', 'admin')).toEqual(ids(0));
    expect(await found('search', '--event', 'vm.*')).toEqual(ids(3, 1, 0));
    expect(await found('search', '--event', 'vm.create', '--event', 'port.add')).toEqual(ids(2, 0));
    expect(await found('search', '--vm', 'shop')).toEqual(ids(2, 1, 0));
    expect(await found('search', '--outcome', 'denied')).toEqual(ids(3));
    expect(await found('search', 'never')).toEqual(ids(2));
    expect(await found('failures')).toEqual(ids(3, 2));
    expect(await found('list', '--since', '2026-01-01T01:00:02')).toEqual(ids(3, 2));
    expect(await found('list', '--until', '2026-01-01T00:00:01Z')).toEqual(ids(0));
    expect(await found('list', '--since', '1 week ago', '--until', 'yesterday at 5pm')).toEqual([]);
  });

  it.each([
    [['list', '--since', 'soonish'], '--since: "soonish" is not a time'],
    [['list', '--since', 'tomorrow'], 'has not come yet'],
    [['list', '--since', '1h', '--until', '2h'], 'is before --since'],
    [['search', '--event', 'vm.craete'], 'Did you mean: --event vm.create'],
    [['search', '--event', 'mv.*'], 'Did you mean: --event vm.*'],
    [['search', '--outcome', 'fine'], 'Known are: success, failure'],
    [['search', ''], 'is empty'],
    [['list', '--limit', '0'], 'at least 1'],
    [['show', 'xyz!'], 'no id'],
    [['tail', '-f', '--json'], '-f never ends'],
    [['export', '--json', '--format', 'csv'], 'a document of its own'],
    [['export', '--format', 'xml'], 'none of json'],
    [['verify', '--expect', 'abc'], 'is no hash'],
  ])('%j is exit code 2', async (words, text) => {
    const { code, stderr, stdout } = await audit(words);
    const document = words.includes('--json') ? stdout : stderr;
    expect(code).toBe(2);
    expect(document).toContain(text);
  });

  it('keep to 80 columns of a terminal, whatever others wrote', async () => {
    const name = `evil\u001b[2J${'x'.repeat(200)}`;
    write([auditEntry(1, { event: 'auth.ssh_key.generated', target: { type: 'image', name } })]);
    const { stdout, lines } = await audit(['list'], { columns: 80 });
    expect(stdout).not.toContain('\u001b[2J');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[2]).toContain(auditEntry(1).id.slice(-8));
  });

  it('tell of damaged lines', async () => {
    bed.write('audit.jsonl', `${bed.read('audit.jsonl')}{"seq":\n`);
    const { code, stderr, lines } = await audit(['list']);
    expect({ code, lines: lines.length }).toEqual({ code: 0, lines: 6 });
    expect(stderr).toMatch(/1 damaged line was left out: .*clonebox audit verify/);
  });
});

describe('audit show', () => {
  beforeEach(() => write(shop));

  it('shows an event with those that belong to it', async () => {
    const { json } = await audit(['show', ids(2)[0] ?? '', '--json']);
    expect(json.event).toMatchObject(shop[2] ?? {});
    expect(json.parent).toBeNull();
    expect(json.children.map(({ id }: AuditEntry) => id)).toEqual(ids(3));
    expect(json.related.map(({ id }: AuditEntry) => id)).toEqual(ids(1));
    const child = (await audit(['show', ids(3)[0] ?? '', '--json'])).json;
    expect(child.parent.id).toBe(ids(2)[0]);
  });

  it('takes the beginning or the end of an id, and draws it for people', async () => {
    const id = ids(2)[0] ?? '';
    const { stdout } = await audit(['show', id.slice(-8)]);
    expect(stdout).toContain('2026-01-01 01:00:02, Europe/Berlin (UTC+01:00)');
    expect(stdout).toContain('guest-failed: no, "never"\\n=1+1');
    expect(stdout).toContain('guest: 80');
    expect(stdout).toMatch(/its parts\nID/);
    expect((await audit(['show', id.slice(0, 11).toUpperCase()])).stdout).toBe(stdout);
  });

  it('asks for more of an id that could be several, and says when there is none', async () => {
    const several = await audit(['show', '19b7', '--json']);
    expect(several.code).toBe(2);
    expect(several.json.error.facts.ids).toEqual(ids(3, 2, 1, 0));
    expect(await audit(['show', 'abcd'])).toMatchObject({ code: 4 });
  });
});

describe('audit export', () => {
  beforeEach(() => write(shop));

  it('writes all events, oldest first, as JSON and as the lines of the log', async () => {
    const { json } = await audit(['export']);
    expect(json.events.map(({ id }: AuditEntry) => id)).toEqual(ids(0, 1, 2, 3));
    expect((await audit(['export', '--json'])).json).toEqual(json);
    expect((await audit(['export', '--format', 'jsonl'])).stdout).toBe(bed.read('audit.jsonl'));
    const { events } = (await audit(['export', '--user', 'admin', '--since', '2026-01-01'])).json;
    expect(events).toHaveLength(1);
  });

  it('quotes the cells of CSV', async () => {
    const { stdout } = await audit(['export', '--format', 'csv']);
    const rows = parseCsv(stdout);
    expect(rows.map((row) => row.length)).toEqual([19, 19, 19, 19, 19]);
    const row = Object.fromEntries(rows[0]?.map((name, at) => [name, rows[3]?.[at]]) ?? []);
    expect(row).toMatchObject({
      ...{ seq: '3', event: 'port.add', target_name: 'shop', login: '', duration_ms: '500' },
      ...{
        error_code: 'guest-failed',
        error_message: 'no, "never"\n=1+1',
        details: '{"guest":80}',
      },
    });
  });

  it('into a file is for this user alone, and whole or not there', async () => {
    writeFileSync(join(bed.home, 'events'), 'old', { mode: 0o644 });
    const { code, stdout } = await audit(['export', '-o', 'events']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `4 events are in ${bed.home}/events\n` });
    expect(JSON.parse(readFileSync(join(bed.home, 'events'), 'utf8')).events).toHaveLength(4);
    expect(statSync(join(bed.home, 'events')).mode & 0o777).toBe(0o600);
    expect((await audit(['export', '-o', 'e', '--format', 'csv', '--json'])).json).toEqual({
      ...{ file: `${bed.home}/e`, format: 'csv', events: 4 },
    });
    expect((await audit(['export', '-o', '-', '--format', 'jsonl'])).stdout).toBe(
      bed.read('audit.jsonl'),
    );
  });

  it('never takes the place of what is no file', async () => {
    mkdirSync(join(bed.home, 'directory'));
    symlinkSync('/dev/null', join(bed.home, 'device'));
    for (const name of ['directory', '/dev/null']) {
      expect(await audit(['export', '-o', name]), name).toMatchObject({ code: 2 });
    }
    expect(await audit(['export', '-o', 'device'])).toMatchObject({ code: 10 });
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(await audit(['export', '-o', 'no/such/file'])).toMatchObject({ code: 4 });
  });
});

describe('audit verify', () => {
  it('says what is right and prints the head', async () => {
    write(shop);
    const head = bed.read('head').slice(17, -1);
    const { code, stdout } = await audit(['verify', '--expect', head]);
    expect({ code, stdout }).toEqual({
      ...{
        code: 0,
        stdout: `ok 4 events in 1 file, each as it was written\nhead ${head}\nanchor: not readable\n`,
      },
    });
  });

  it('names the first line that was changed; exit code 10', async () => {
    write(shop);
    bed.write('audit.jsonl', bed.read('audit.jsonl').replace('port.add', 'port.bad'));
    const { code, stdout } = await audit(['verify']);
    expect(code).toBe(10);
    expect(stdout).toMatch(/^audit\.jsonl:3 was changed: its hash/);
    const { json } = await audit(['verify', '--json']);
    expect(json).toMatchObject({ ok: false, events: 2, problem: { file: 'audit.jsonl', line: 3 } });
  });
});

describe('audit tail', () => {
  it('shows the last events, the newest last', async () => {
    write(shop);
    const { lines } = await audit(['tail', '--limit', '2']);
    expect(lines.slice(2).map((line) => line.slice(0, 16))).toEqual(ids(2, 3));
  });

  it('goes on with what comes, over a rotation', async () => {
    write(shop);
    const stop = new AbortController();
    const { lines: later, head } = chainedLines([[...shop, auditEntry(4)], [auditEntry(5)]]);
    const steps = [
      () => {},
      () => {
        bed.write('audit-1.jsonl', later[0]?.join('') ?? '');
        bed.write('audit.jsonl', later[1]?.join('') ?? '');
        bed.write('head', head);
      },
      () => {},
    ];
    const sleep = async () => {
      const step = steps.shift();
      if (step === undefined) stop.abort();
      stop.signal.throwIfAborted();
      step?.();
    };
    const { lines } = await audit(['tail', '-f', '--limit', '1'], { stop: stop.signal, sleep });
    expect(lines.slice(1).map((line) => line.slice(0, 16))).toEqual(ids(3, 4, 5));
  });
});

/** A reader of CSV as RFC 4180 has it. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  const pattern = /("(?:[^"]|"")*"|[^",\n]*)(,|\n)/gy;
  for (const [, cell = '', end] of text.matchAll(pattern)) {
    rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}

import { printable } from '../../lib/printable.ts';
import type { AuditRecord, AuditStory } from '../../ops/audit/query.ts';
import type { VerifyResult } from '../../ops/audit/verify.ts';
import type { Look } from '../command.ts';
import { cutTo, formatElapsed, padTo, widthOf } from '../text.ts';
import { renderSheet } from './sheet.ts';

const head = ['ID', 'TIME', 'EVENT', 'TARGET', 'OUTCOME', 'BY', 'TOOK'] as const;
const gap = '  ';
/** Columns that may be cut, from what the reader misses least, and what they keep. */
const flexible = [
  { column: 3, least: 8 },
  { column: 5, least: 4 },
  { column: 2, least: 9 },
] as const;
const outcomeColumn = 4;
/** Of a line that does not know the ones after it. */
const lineWidths = [16, 19, 10, 10, 7, 4, 0];
/** The end of an id is what tells events apart; `audit show` takes it. */
const shortId = 8;

/** Events as a table, in the order given; on a terminal within its columns. */
export function renderEvents(events: readonly AuditRecord[], look: Look): string[] {
  if (events.length === 0) return ['No events.'];
  return [look.colors.dim(`times in ${zoneText()}`), ...eventTable(events, look)];
}

function eventTable(events: readonly AuditRecord[], look: Look): string[] {
  const rows = events.map((event) => cellsOf(event, look.columns));
  const widths = columnWidths([head, ...rows], look.columns);
  const line = (cells: readonly string[], paint: (cell: string, column: number) => string) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        const painted = paint(padTo(cutTo(cell, width), width), column);
        return column === cells.length - 1 ? painted.trimEnd() : painted;
      })
      .join(gap);
  return [
    line(head, (cell) => look.colors.dim(cell)),
    ...rows.map((row) => line(row, (cell, column) => paintCell(cell, column, look))),
  ];
}

/** An event as a line of its own, in 80 columns if its texts are of a usual length. */
export function eventLine(event: AuditRecord): string {
  const cells = cellsOf(event, Number.POSITIVE_INFINITY);
  const line = cells.map((cell, column) => padTo(cell, lineWidths[column] ?? 0)).join(gap);
  return line.trimEnd();
}

function cellsOf(event: AuditRecord, columns: number): string[] {
  const id = Number.isFinite(columns) ? event.id.slice(-shortId) : event.id;
  const { target } = event;
  return [
    id,
    localTime(event.time),
    event.event,
    target === null ? '-' : target.name,
    event.outcome,
    event.actor.user,
    formatElapsed(event.durationMs),
  ].map((cell) => printable(cell, 4096));
}

function columnWidths(rows: readonly (readonly string[])[], columns: number): number[] {
  const widths = head.map((_, column) =>
    Math.max(...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  let over = widths.reduce((sum, width) => sum + width + gap.length, -gap.length) - columns;
  for (const { column, least } of flexible) {
    const width = widths[column] ?? 0;
    const cut = Math.min(Math.max(0, over), Math.max(0, width - least));
    widths[column] = width - cut;
    over -= cut;
  }
  return widths;
}

function paintCell(cell: string, column: number, { colors }: Look): string {
  if (column !== outcomeColumn) return cell;
  const outcome = cell.trim();
  if (outcome === 'failure' || outcome === 'denied') return colors.red(cell);
  return outcome === 'partial' ? colors.yellow(cell) : cell;
}

/** An event in full, then what belongs to it. */
export function renderStory(
  { event, parent, children, related }: AuditStory,
  look: Look,
): string[] {
  const { actor, target, error } = event;
  const from = [
    ...(actor.login !== null && actor.login !== actor.user ? [`logged in as ${actor.login}`] : []),
    ...(actor.remote === null ? [] : [`from ${actor.remote}`]),
    `process ${actor.pid}`,
  ];
  const details = Object.entries(event.details).map(
    ([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const clean = (text: string) => printable(text, 4096);
  const relatives = (title: string, events: readonly AuditRecord[]) =>
    events.length === 0 ? [] : ['', look.colors.bold(title), ...eventTable(events, look)];
  return [
    ...renderSheet(
      [
        { label: 'id', value: clean(event.id) },
        {
          label: 'time',
          value: `${localTime(clean(event.time))}, ${zoneText(new Date(event.time))}`,
        },
        { label: 'event', value: clean(event.event) },
        { label: 'target', value: target === null ? '' : clean(`${target.type} ${target.name}`) },
        { label: 'outcome', value: clean(event.outcome) },
        { label: 'error', value: error === null ? '' : clean(`${error.code}: ${error.message}`) },
        {
          label: 'by',
          value: [clean(`${actor.user} (${actor.uid}) on ${actor.host}`), clean(from.join(', '))],
        },
        { label: 'took', value: formatElapsed(event.durationMs) },
        { label: 'details', value: details.map(clean) },
        { label: 'correlation', value: clean(event.correlation) },
        { label: 'line', value: `number ${event.seq}, hash ${clean(event.hash)}` },
      ],
      look,
    ),
    ...relatives('a part of', parent === null ? [] : [parent]),
    ...relatives('its parts', children),
    ...relatives('of the same command or correlation', related),
  ];
}

/** What a check of the chain found. */
export function renderVerify(result: VerifyResult, look: Look): string[] {
  const { problem, events, segments, head: hash, anchored, notes } = result;
  if (problem !== null) {
    const place = problem.line === null ? problem.file : `${problem.file}:${problem.line}`;
    return [
      `${look.colors.red(look.colors.bold(place))} ${problem.message}`,
      `The ${events} events before it are as they were written.`,
    ];
  }
  if (hash === null) return ['No events: nothing to check.'];
  const files = segments === 1 ? '1 file' : `${segments} files`;
  return [
    `${look.colors.green('ok')} ${events} events in ${files}, each as it was written`,
    `head ${hash}`,
    `anchor: ${anchored === null ? 'not readable' : `${anchored} of them are in the log of the system`}`,
    ...notes.map((note) => `note: ${note}`),
  ];
}

/** Date and time of this machine's zone; what is no time stays as it is. */
export function localTime(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const two = (amount: number) => String(amount).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}

/** `Europe/Berlin (UTC+01:00)`, as it is at this time. */
export function zoneText(time = new Date()): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const offset = -time.getTimezoneOffset();
  const two = (amount: number) => String(Math.trunc(amount)).padStart(2, '0');
  const size = Math.abs(offset);
  return `${timeZone} (UTC${offset < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)})`;
}

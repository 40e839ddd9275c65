import type { AuditRecord } from '../../store/audit/event.ts';

type Cell = string | number | null | undefined;

/** The columns of a table of events, in their order. */
const columns: readonly (readonly [name: string, cell: (record: AuditRecord) => Cell])[] = [
  ['seq', ({ seq }) => seq],
  ['id', ({ id }) => id],
  ['time', ({ time }) => time],
  ['event', ({ event }) => event],
  ['outcome', ({ outcome }) => outcome],
  ['target_type', ({ target }) => target?.type],
  ['target_name', ({ target }) => target?.name],
  ['user', ({ actor }) => actor.user],
  ['uid', ({ actor }) => actor.uid],
  ['login', ({ actor }) => actor.login],
  ['host', ({ actor }) => actor.host],
  ['pid', ({ actor }) => actor.pid],
  ['remote', ({ actor }) => actor.remote],
  ['duration_ms', ({ durationMs }) => durationMs],
  ['correlation', ({ correlation }) => correlation],
  ['parent', ({ parent }) => parent],
  ['error_code', ({ error }) => error?.code],
  ['error_message', ({ error }) => error?.message],
  ['details', ({ details }) => JSON.stringify(details)],
];

export const csvHead = row(columns.map(([name]) => name));

/** An event as a line of CSV (RFC 4180, but with newlines of this system). */
export function csvLine(record: AuditRecord): string {
  return row(columns.map(([, cell]) => cell(record)));
}

function row(cells: readonly Cell[]): string {
  return `${cells.map((cell) => quotedCell(String(cell ?? ''))).join(',')}\n`;
}

function quotedCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

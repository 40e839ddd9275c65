import { printable } from '../../lib/printable.ts';
import type { Look } from '../command.ts';
import { cutTo, widthOf } from '../text.ts';

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Colours a finished cell. */
  readonly paint?: (cell: string, column: number) => string;
}

const gap = 2;
const longestCell = 4096;
const edges = ['top', 'bottom', 'left', 'right', 'mid'];
const joints = ['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right'];
const sides = ['left-mid', 'mid-mid', 'right-mid'];

/**
 * A table without borders. On a terminal the last column is cut to what is left of the line; where a program reads,
 * nothing is cut. Cells are made harmless: projects and guests wrote parts of them.
 */
export async function renderTable(
  { head, rows, paint = (cell) => cell }: Table,
  { colors, columns }: Look,
): Promise<string[]> {
  const { default: CliTable } = await import('cli-table3');
  const clean = rows.map((row) => row.map((cell) => printable(cell, longestCell)));
  const last = head.length - 1;
  const before = head.slice(0, last).map((title, index) => {
    return Math.max(widthOf(title), ...clean.map((row) => widthOf(row[index] ?? ''))) + gap;
  });
  const room = Math.max(10, columns - before.reduce((sum, width) => sum + width, 0));
  const none = Object.fromEntries([...edges, ...joints, ...sides].map((name) => [name, '']));
  const table = new CliTable({
    head: head.map((title) => colors.dim(title)),
    chars: { ...none, middle: ' '.repeat(gap) },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(
    ...clean.map((row) =>
      row.map((cell, index) => paint(index === last ? cutTo(cell, room) : cell, index)),
    ),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

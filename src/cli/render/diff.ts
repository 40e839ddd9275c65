import { printable } from '../../lib/printable.ts';
import type { DiffResult } from '../../ops/diff/diff.ts';
import type { Look } from '../command.ts';
import { renderTable } from './table.ts';

/** Drift as a table of three sides. */
export async function renderDiff(
  { vm, drift, unknown }: DiffResult,
  look: Look,
): Promise<readonly string[]> {
  const notes = unknown.map((text) => look.colors.dim(`not compared: ${printable(text, 200)}`));
  if (drift.length === 0) {
    return [
      unknown.length > 0 ? `No drift was found in ${vm}.` : `${vm} has not drifted.`,
      ...notes,
    ];
  }
  const side = (text: string | null) => text ?? '-';
  const rows = drift.map((one) => [
    one.area,
    one.name,
    side(one.workstation),
    side(one.config),
    side(one.guest),
  ]);
  const head = ['AREA', 'NAME', 'WORKSTATION', 'VM MADE FROM', 'GUEST'];
  return [...(await renderTable({ head, rows }, look)), ...notes];
}

import { printable } from '../../lib/printable.ts';
import type { Look } from '../command.ts';
import { padTo, widthOf, wrapTo } from '../text.ts';

export interface SheetRow {
  readonly label: string;
  /** One line each, or more where one does not fit into 80 columns; a row without any is left out. */
  readonly value: string | readonly string[];
  readonly paint?: (text: string) => string;
}

/** Longer values are not for people. */
const longestValue = 4096;

/** Two columns: dimmed labels, then values, made harmless since projects and guests wrote parts of them. */
export function renderSheet(rows: readonly SheetRow[], { colors }: Look): string[] {
  const filled = rows
    .map((row) => ({ ...row, values: [row.value].flat().filter((line) => line !== '') }))
    .filter(({ values }) => values.length > 0);
  const width = Math.max(8, ...filled.map(({ label }) => widthOf(printable(label))));
  const room = 80 - width - 4;
  return filled.flatMap(({ label, values, paint = (text) => text }) =>
    values
      .map((value) => printable(value, longestValue))
      .flatMap((value) => (widthOf(value) <= room ? [value] : wrapTo(value, room)))
      .map((line, index) => {
        const left = colors.dim(padTo(index === 0 ? printable(label) : '', width));
        return `  ${left}  ${paint(line)}`;
      }),
  );
}

/** Lines that say what is not as it should be. */
export function renderWarnings(texts: readonly string[], { colors }: Look): string[] {
  return texts.map((text) => `${colors.yellow('warning:')} ${printable(text, longestValue)}`);
}

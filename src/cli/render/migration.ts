import { printable } from '../../lib/printable.ts';
import type { MigrateResult } from '../../ops/migrate.ts';
import type { Look } from '../command.ts';
import { padTo, wrapTo } from '../text.ts';

/** What became of each key, and with `--dry-run` of each line. */
export function renderMigration(data: MigrateResult, { colors }: Look): string[] {
  const file = printable(data.file, 4096);
  if (data.outcome === 'unchanged') return [`${file} is of version 2 already`];
  const notes = data.notes.flatMap(({ path, kind, message }) =>
    wrapTo(`${path} ${printable(message, 4096)}`, 68).map((line, index) => {
      const label = padTo(index === 0 ? kind : '', 7);
      return `  ${kind === 'carried' ? colors.dim(label) : colors.yellow(label)}  ${line}`;
    }),
  );
  const end = data.backup === null ? [] : [`the old one is ${printable(data.backup, 4096)}`];
  if (data.outcome === 'migrated') return [`${file} is of version 2 now`, ...notes, ...end];
  const diff = data.diff.map((line) => {
    const text = printable(line, 4096);
    return line.startsWith('-')
      ? colors.red(text)
      : line.startsWith('+')
        ? colors.green(text)
        : text;
  });
  return [`${file} would be of version 2`, ...notes, '', ...diff];
}

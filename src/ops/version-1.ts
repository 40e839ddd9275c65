import type { Config } from '../config/parse-config.ts';
import type { UpgradeNote } from '../config/v1/edit.ts';
import type { Ctx } from '../core/ctx.ts';
import type { Host } from '../core/host.ts';
import { printable } from '../lib/printable.ts';
import { shellQuote } from '../lib/quote.ts';

/** Files that were warned of already by this command, which may read them more than once. */
const warned = new WeakMap<Host, Set<string>>();

/** Says once that a file is of version 1, and what of it version 2 does not have or has otherwise. */
export function warnOfVersion1(ctx: Ctx, { origin }: Config): void {
  if (origin?.upgrade === undefined) return;
  const files = warned.get(ctx.host) ?? new Set();
  warned.set(ctx.host, files);
  if (files.has(origin.file)) return;
  files.add(origin.file);
  const { file, upgrade } = origin;
  const text = [
    `${printable(file, 4096)} is of version 1 and read as version 2, as clonebox config migrate ${shellQuote(file)} would write it.`,
    listOf('Not carried over', upgrade, 'lost'),
    listOf('Changed', upgrade, 'changed'),
  ];
  ctx.io.emit({ kind: 'warning', text: text.filter((part) => part !== '').join(' ') });
}

function listOf(title: string, notes: readonly UpgradeNote[], kind: UpgradeNote['kind']): string {
  const parts = notes.filter((note) => note.kind === kind);
  if (parts.length === 0) return '';
  return `${title}: ${parts.map(({ path, message }) => `${path} (${message})`).join('; ')}.`;
}

import { dirname } from 'node:path';
import type { ResolvedConfig } from '../../ops/config.ts';
import type { Look } from '../command.ts';
import { cutTo } from '../text.ts';
import { originText } from './origin.ts';
import { renderTable } from './table.ts';

/** On a terminal keys and values leave room for where they come from. */
const longest = 26;

/** `config show --resolved` for people: a table of keys, values and origins. */
export function renderValues({ file, values }: ResolvedConfig, look: Look): Promise<string[]> {
  const isTerminal = Number.isFinite(look.columns);
  const short = (text: string) => (isTerminal ? cutTo(text, longest) : text);
  const directory = dirname(file);
  return renderTable(
    {
      head: ['KEY', 'VALUE', 'ORIGIN'],
      rows: values.map(({ key, value, origin }) => [
        short(key),
        short(typeof value === 'string' ? value : JSON.stringify(value)),
        originText(origin, directory),
      ]),
    },
    look,
  );
}

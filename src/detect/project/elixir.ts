import type { NeededTool } from '../../core/needs.ts';
import { rangeOf } from './constraint.ts';
import type { ProjectReader } from './reader.ts';
import { askedTool, distinctTools, isAside, likely, nameOfFile } from './text.ts';

/** Elixir: the versions that mix.exs allows, by what is written in it. */
export const elixir: ProjectReader = {
  name: 'elixir',
  wants: (path) => nameOfFile(path) === 'mix.exs' && !isAside(path),
  read(files) {
    const [first] = files;
    if (first === undefined) return {};
    const notes: string[] = [];
    const versions = files.flatMap(({ path, text }) => {
      const written = /\belixir:\s{0,10}"([^"\n]{1,60})"/.exec(text)?.[1];
      if (written === undefined) return [];
      const range = rangeOf('elixir', written);
      return askedTool(path, { name: 'elixir', label: 'Elixir', written, range }, notes);
    });
    const any: NeededTool = {
      ...{ name: 'elixir', range: undefined, finding: likely(first.path, 'an Elixir project') },
    };
    return { ecosystems: ['Elixir'], tools: distinctTools([...versions, any]), notes };
  },
};

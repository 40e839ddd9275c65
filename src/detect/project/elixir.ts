import type { NeededRun, NeededService, NeededSetup, NeededTool } from '../../core/needs.ts';
import { rangeOf } from './constraint.ts';
import type { ProjectReader, ProjectTexts } from './reader.ts';
import { askedTool, distinctTools, isAside, likely, nameOfFile } from './text.ts';

/** Adapters of Ecto, and the server that each is for. */
const adapters: readonly (readonly [dependency: string, service: string])[] = [
  ['postgrex', 'postgresql'],
  ['myxql', 'mysql'],
  ['mariaex', 'mysql'],
  ['redix', 'redis'],
];

/** Elixir: what mix.exs says, by what is written in it: versions, servers, and how Phoenix serves it. */
export const elixir: ProjectReader = {
  name: 'elixir',
  wants: (path) => nameOfFile(path) === 'mix.exs' && !isAside(path),
  read(files, tree) {
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
    const { path, text } = first;
    const uses = (name: string) => text.includes(`{:${name},`);
    const services = adapters
      .filter(([dependency]) => uses(dependency))
      .map(([dependency, name]): NeededService => {
        return {
          name,
          range: undefined,
          databases: [],
          finding: likely(path, `${dependency} is for it`),
        };
      });
    const isTop = path === 'mix.exs';
    return {
      ecosystems: ['Elixir'],
      tools: distinctTools([...versions, any]),
      services,
      run: isTop && uses('phoenix') ? [phoenixServer(path)] : [],
      setup: isTop && /\{:\w{1,60},/.test(text) ? installation(path, tree) : [],
      notes:
        isTop && uses('ecto_sql')
          ? [...notes, 'the tables of its database are not made yet: mix ecto.setup']
          : notes,
    };
  },
};

function phoenixServer(path: string): NeededRun {
  const finding = likely(path, 'how Phoenix serves it');
  return { name: 'web', command: ['mix', 'phx.server'], env: {}, port: 4000, finding };
}

/** Hex itself is fetched first: mix would ask about it. */
function installation(path: string, tree: ProjectTexts): NeededSetup[] {
  if (tree.has('deps')) return [];
  const finding = likely(path, 'its dependencies are not installed');
  return [
    { command: 'mix local.hex --force && mix local.rebar --force', finding },
    { command: 'mix deps.get', finding },
  ];
}

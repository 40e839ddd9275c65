import type { NeededPackage, NeededService, NeededTool } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { rangeOfJava, rangeOfPin } from './constraint.ts';
import { meaningOfNix } from './nix-names.ts';
import type { ProjectReader } from './reader.ts';
import { distinctTools, guess, likely, linesOf } from './text.ts';

/** Servers: a shell of Nix has them more often for their clients, and starts none. */
const servers = new Map([
  ['postgresql', 'postgresql'],
  ['redis', 'redis'],
  ['mariadb', 'mariadb'],
  ['mysql80', 'mysql'],
  ['memcached', 'memcached'],
]);

const mostNames = 200;

/** flake.nix and shell.nix: the packages of their shells, by a table of names, as nothing of Nix is run. */
export const flake: ProjectReader = {
  name: 'flake',
  wants: (path) => path === 'flake.nix' || path === 'shell.nix',
  read(files) {
    const tools: NeededTool[] = [];
    const packages: NeededPackage[] = [];
    const services: NeededService[] = [];
    const notes: string[] = [];
    for (const { path, text } of files) {
      const unknown: string[] = [];
      for (const name of namesOf(text)) {
        const finding = likely(path, `its shell has ${printable(name, 40)}`);
        const [server] = /^[a-z]+(?:80)?(?=_?\d*$)/.exec(name) ?? [];
        const service = servers.get(server ?? '');
        if (service !== undefined) {
          const reason = guess(path, `its shell has ${printable(name, 40)}`);
          services.push({ name: service, range: undefined, databases: [], finding: reason });
          continue;
        }
        const meaning = meaningOfNix(name);
        if (meaning === undefined) unknown.push(printable(name, 40));
        else if ('packages' in meaning)
          packages.push(...meaning.packages.map((one) => ({ name: one, finding })));
        else {
          const { tool, version } = meaning;
          const range =
            version && (tool === 'java' ? rangeOfJava(`${version}.`) : rangeOfPin(version));
          tools.push({ name: tool, range: range || undefined, finding });
        }
      }
      if (unknown.length > 0) {
        const more = unknown.length > 8 ? ` and ${unknown.length - 8} more` : '';
        notes.push(`${path} has what is not known here: ${unknown.slice(0, 8).join(', ')}${more}`);
      }
    }
    return { tools: distinctTools(tools), packages, services, notes };
  },
};

/** The names in the lists of packages of a shell: `buildInputs = with pkgs; [ nodejs_20 pkgs.jq ];`. */
function namesOf(text: string): string[] {
  const code = linesOf(text)
    .map((line) => line.replace(/#.*/, ''))
    .join('\n');
  const start =
    /\b(?:nativeBuildInputs|buildInputs|packages|propagatedBuildInputs)\s{0,20}=\s{0,20}(?:with\s{1,5}[\w.]{1,60};\s{0,20}){0,3}\[/g;
  const names = [...code.matchAll(start)].slice(0, 50).flatMap((match) => {
    const from = match.index + match[0].length;
    return namesOfList(code.slice(from, from + 4000));
  });
  return [...new Set(names)].slice(0, mostNames);
}

/** Up to the end of the list. Of what is computed, in parentheses, the first word is what it begins with: `python3`. */
function namesOfList(list: string): string[] {
  const names: string[] = [];
  let depth = 0;
  let isFirst = true;
  for (const [word] of list.matchAll(/[()[\]]|"[^"\n]{0,200}"|[A-Za-z][\w.-]{0,80}/g)) {
    if (word === '(' || word === '[') {
      isFirst = depth === 0 && word === '(';
      depth += 1;
    } else if (word === ')' || word === ']') {
      depth -= 1;
      if (depth < 0) return names;
    } else if (!word.startsWith('"') && (depth === 0 || (depth === 1 && isFirst))) {
      isFirst = false;
      names.push(
        word.replace(/^pkgs\./, '').replace(/\.(?:withPackages|override\w*|withExtensions)$/, ''),
      );
    }
  }
  return names;
}

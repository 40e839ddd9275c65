import type { NeededPackage, NeededTool } from '../../core/needs.ts';
import type { ProjectReader } from './reader.ts';
import { guess, isAtTop, likely, linesOf, nameOfFile } from './text.ts';

/** Files of recipes, and the tool that runs them. */
const runners: Readonly<Record<string, string>> = {
  Makefile: 'make',
  makefile: 'make',
  GNUmakefile: 'make',
  justfile: 'just',
  Justfile: 'just',
};

/**
 * Programs that recipes call, and what has them. Languages are left to their own manifests, and those of containers are
 * for images that the guest itself stands for.
 */
const programs: Readonly<Record<string, { readonly tool: string } | { readonly package: string }>> =
  {
    cmake: { tool: 'cmake' },
    protoc: { package: 'protobuf-compiler' },
    shellcheck: { package: 'shellcheck' },
    jq: { package: 'jq' },
    curl: { package: 'curl' },
    rsync: { package: 'rsync' },
    zip: { package: 'zip' },
    pandoc: { package: 'pandoc' },
  };

/** make and just, and the plain programs that their recipes call. */
export const makefile: ProjectReader = {
  name: 'make',
  wants: (path) => isAtTop(path) && Object.hasOwn(runners, nameOfFile(path)),
  read(files) {
    const tools: NeededTool[] = [];
    const packages: NeededPackage[] = [];
    for (const { path, text } of files) {
      const runner = runners[path] ?? 'make';
      tools.push({ name: runner, range: undefined, finding: likely(path, `it has a ${path}`) });
      const called = new Set(
        linesOf(text).flatMap(
          (line) => /^[ \t]+[@+-]*([a-z][\w-]{0,30})(?=\s|$)/.exec(line)?.[1] ?? [],
        ),
      );
      for (const [program, source] of Object.entries(programs)) {
        if (!called.has(program)) continue;
        const finding = guess(path, `its recipes call ${program}`);
        if ('tool' in source) tools.push({ name: source.tool, range: undefined, finding });
        else packages.push({ name: source.package, finding });
      }
    }
    return { tools, packages };
  },
};

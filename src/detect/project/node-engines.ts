import { minVersion, validRange } from 'semver';
import type { NeededTool } from '../../core/needs.ts';
import { likely } from './text.ts';

/** Tools by the major versions from which on they ask for a certain Node.js, the newest first. */
const askers: Readonly<Record<string, readonly (readonly [major: number, range: string])[]>> = {
  vite: [
    [7, '^20.19.0 || >=22.12.0'],
    [5, '^18.0.0 || >=20.0.0'],
  ],
  vitest: [
    [4, '^20.0.0 || ^22.0.0 || >=24.0.0'],
    [1, '^18.0.0 || >=20.0.0'],
  ],
  next: [
    [16, '>=20.9.0'],
    [14, '>=18.17.0'],
  ],
  nuxt: [
    [4, '^20.19.0 || >=22.12.0'],
    [3, '^18.12.0 || >=20.0.0'],
  ],
  astro: [
    [6, '>=22.12.0'],
    [5, '^18.20.8 || ^20.3.0 || >=22.0.0'],
  ],
  '@angular/core': [
    [20, '^20.19.0 || ^22.12.0 || >=24.0.0'],
    [19, '^18.19.1 || ^20.11.1 || >=22.0.0'],
    [17, '^18.13.0 || >=20.9.0'],
  ],
  'react-router': [[7, '>=20.0.0']],
  '@nestjs/core': [[11, '>=20.0.0']],
  prisma: [[7, '^20.19.0 || ^22.12.0 || >=24.0.0']],
  eslint: [[10, '^20.19.0 || ^22.13.0 || >=24.0.0']],
  '@sveltejs/kit': [[2, '>=18.13.0']],
  mongoose: [[9, '>=20.19.0']],
  wrangler: [[4, '>=20.0.0']],
  storybook: [[9, '>=20.0.0']],
  jest: [[30, '^18.14.0 || ^20.0.0 || ^22.0.0 || >=24.0.0']],
  express: [[5, '>=18.0.0']],
};

/** The Node.js that the tools of a package run on, where the package itself says nothing of it. */
export function engineOfTools(
  path: string,
  dependencies: Readonly<Record<string, unknown>>,
): NeededTool[] {
  return Object.entries(askers).flatMap(([name, lines]) => {
    const written = Object.hasOwn(dependencies, name) ? dependencies[name] : undefined;
    if (typeof written !== 'string' || written.length > 100 || validRange(written) === null)
      return [];
    const major = minVersion(written)?.major ?? 0;
    const range = lines.find(([from]) => major >= from)?.[1];
    if (range === undefined) return [];
    return [{ name: 'node', range, finding: likely(path, `${name} ${major} runs on it`) }];
  });
}

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import type { CliResult } from '../../e2e/support/cli.ts';

/** What must be seen nowhere: it is in each of the files outside. */
export const secret = 'secret-of-the-host';

/** What somebody's files are called, and has a secret in each. */
const outsiders: Readonly<Record<string, string>> = {
  'key.txt': secret,
  'broken.yaml': `version: '2'\nvm: { cpus: ${secret} }\n${secret}: 1\n`,
  '.clonebox.yaml': `version: '2'\nvm: { name: ${secret}, cpus: 7 }\nenvironment: { OTHER: ${secret} }\n`,
  'v1.yaml': `version: '1'\nvm: { name: ${secret} }\n`,
  '.env': `API_TOKEN=${secret}\n`,
  'profiles/x.yaml': `environment: { OTHER: ${secret} }\n`,
  'package.json': `{"name":"x","engines":{"node":"17"},"scripts":{"start":"node ${secret}"}}\n`,
};

/** Where an attack takes place: a project, and beside it what is none of the project's business. */
export interface Ground {
  /** A path beside the project. */
  at(...names: string[]): string;
  /** A path in the project. */
  inside(...names: string[]): string;
  /** Writes a file of the project, with the directories above. */
  put(name: string, text: string): void;
  /** Writes the project's configuration. */
  configure(lines?: string): void;
  /** Path of the directory that links lead to. */
  readonly outside: string;
  readonly project: string;
  /** Makes the project anew, with nothing in it. */
  clear(): void;
  /** Fails when something outside is not as it was. */
  expectUntouched(): void;
}

/** Makes a ground; it is removed at the end of the test file. */
export function openGround(): Ground {
  const top = realpathSync(mkdtempSync(path.join(tmpdir(), 'cba-')));
  afterAll(() => rmSync(top, { recursive: true, force: true }));
  const at = (...names: string[]) => path.join(top, ...names);
  const inside = (...names: string[]) => at('project', ...names);
  const put = (file: string, text: string) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text, { mode: 0o600 });
  };
  for (const [name, text] of Object.entries(outsiders)) put(at('outside', name), text);
  mkdirSync(inside());
  return {
    at,
    inside,
    put: (name, text) => put(inside(name), text),
    configure: (lines = '') =>
      put(inside('.clonebox.yaml'), `version: '2'\nvm: { name: trap, cpus: 1 }\n${lines}`),
    outside: at('outside'),
    project: inside(),
    clear: () => {
      rmSync(inside(), { recursive: true });
      mkdirSync(inside());
    },
    expectUntouched: () => {
      const names = [...Object.keys(outsiders), 'profiles'].toSorted();
      const found = readdirSync(at('outside'), { recursive: true, encoding: 'utf8' });
      expect(found.toSorted()).toEqual(names);
      for (const [name, text] of Object.entries(outsiders))
        expect(readFileSync(at('outside', name), 'utf8')).toBe(text);
    },
  };
}

/** Everything that a command has said. */
export function told({ stdout, stderr }: Pick<CliResult, 'stdout' | 'stderr'>): string {
  return `${stdout}\n${stderr}`;
}

/** Fails unless a command was refused because of a path, which it names, and said nothing of what is outside. */
export function expectRefused(result: CliResult, named: string): void {
  expect(result.exitCode, told(result)).toBe(10);
  expect(told(result).replaceAll(/\s+/g, ' ')).toContain(named);
  expect(told(result)).not.toContain(secret);
}

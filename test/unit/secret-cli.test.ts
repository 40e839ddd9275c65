import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runLine } from '../../src/cli/run-line.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { createHost } from '../../src/host/local.ts';

let area: string;
let project: string;

beforeAll(() => {
  area = mkdtempSync(path.join(tmpdir(), 'cbs-'));
  project = path.join(area, 'shop');
  mkdirSync(project);
  const text =
    "version: '2'\nvm: { name: shop }\nsecrets: { items: { API_TOKEN: { provider: env } } }\n";
  writeFileSync(path.join(project, '.clonebox.yaml'), text);
});
afterAll(() => rmSync(area, { recursive: true }));

/** Runs `clonebox secret …` where there is no project. */
async function secret(...words: readonly string[]) {
  const texts = { stdout: '', stderr: '' };
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => {
      texts[stream] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    },
  });
  const env = { ...process.env, CLONEBOX_HOME: path.join(area, 'state'), API_TOKEN: 'abcdefgh' };
  const terminal: Terminal = {
    env,
    cwd: () => area,
    stdout: output('stdout'),
    stderr: output('stderr'),
    isTty: { stdin: false, stdout: false, stderr: false },
    readInput: async () => Buffer.alloc(0),
    unread: new AbortController().signal,
  };
  const code = await runLine(['secret', ...words], terminal, { host: createHost(env) });
  return { code, ...texts };
}

describe('the VM of a secret command', () => {
  it.each([['--vm', 'shop/'], ['--vm=./shop'], ['./shop']])(
    'may be named by %s',
    async (...words) => {
      const listed = await secret('list', ...words, '--json');
      expect(listed, listed.stderr).toMatchObject({ code: 0 });
      expect(JSON.parse(listed.stdout)).toMatchObject({ secrets: [{ name: 'API_TOKEN' }] });
      const checked = await secret('check', ...words, '--trust');
      expect(checked.stdout).toMatch(/API_TOKEN +8B +.*environment/);
    },
  );

  it.each(['list', 'check', 'rotate'])(
    'is not found by %s when there is none of the name',
    async (word) => {
      const { code, stderr } = await secret(word, '--vm', 'nobody');
      expect(code).toBe(4);
      expect(stderr).toContain('no VM named nobody');
    },
  );

  it('is not named twice, nor by nothing', async () => {
    const twice = await secret('rotate', 'shop', '--vm', 'shop');
    expect(twice).toMatchObject({ code: 2, stderr: expect.stringContaining('named twice') });
    expect(await secret('rotate', '--vm', '')).toMatchObject({ code: 2 });
  });
});

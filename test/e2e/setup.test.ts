import { execFileSync, type StdioOptions, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const hidden = new Set(['node', 'nodejs', 'npm', 'npx', 'corepack']);
const notCopied = ['.git', '.node', 'node_modules', 'dist', 'coverage'];

let scratch: string;
let checkout: string;
let home: string;
let tools: string;

/** Every program of the system but Node and npm. */
function linkTools(): void {
  for (const folder of ['/bin', '/usr/bin']) {
    for (const name of readdirSync(folder)) {
      const link = path.join(tools, name);
      if (hidden.has(name) || lstatSync(link, { throwIfNoEntry: false })) continue;
      symlinkSync(path.join(folder, name), link);
    }
  }
}

function npmConfig(key: string): string {
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  return execFileSync('npm', ['config', 'get', key], { encoding: 'utf8', stdio }).trim();
}

/** Runs one line of shell as a user would in the copy, where no Node is but what `PATH` names. */
function inCopy(line: string, env: NodeJS.ProcessEnv): Promise<{ status: number; output: string }> {
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const child = spawn('/bin/bash', ['-c', line], {
    cwd: checkout,
    env: { ...Object.fromEntries(kept), HOME: home, ...env },
  });
  let output = '';
  const collect = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'cb-setup-'));
  [checkout, home, tools] = ['checkout', 'home', 'tools'].map((n) => path.join(scratch, n)) as [
    string,
    string,
    string,
  ];
  for (const folder of [checkout, home, tools]) mkdirSync(folder);
  for (const name of readdirSync(root)) {
    const left = notCopied.includes(name) || /^dist\.|\.(tmp|log)$/.test(name);
    if (!left) cpSync(path.join(root, name), path.join(checkout, name), { recursive: true });
  }
  linkTools();
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('setup.sh on a system without Node', () => {
  test('refuses a Node whose checksum is wrong and keeps nothing of it', async () => {
    const registry = createServer((_request, response) => response.end('not a tarball'));
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    const { port } = registry.address() as AddressInfo;
    const result = await inCopy('./setup.sh --no-system', {
      PATH: tools,
      npm_config_registry: `http://127.0.0.1:${port}/`,
      no_proxy: '127.0.0.1',
    });
    registry.close();

    expect(result.output).toContain('wrong checksum');
    expect(result.status).toBe(1);
    expect(existsSync(path.join(checkout, '.node'))).toBe(false);
  });

  test('fetches a Node of its own, so that npx works in the same line', async () => {
    writeFileSync(path.join(home, '.npmrc'), `registry=${npmConfig('registry')}\n`);
    const bin = path.join(home, '.local/bin');
    const result = await inCopy('./setup.sh --no-system && npx clonebox --version', {
      PATH: `${bin}:${tools}`,
      npm_config_cache: npmConfig('cache'),
    });

    expect(result.output).toMatch(/fetching Node 22\.\d+\.\d+ into \.node/);
    expect(result.output.trimEnd()).toMatch(/\n\d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(result.status).toBe(0);
    expect(readlinkSync(path.join(bin, 'node'))).toBe(path.join(checkout, '.node/bin/node'));
  });

  test('does nothing twice', async () => {
    const result = await inCopy('./setup.sh --no-system', {
      PATH: `${path.join(home, '.local/bin')}:${tools}`,
    });

    expect(result.output).not.toContain('fetching');
    expect(result.output).not.toContain('package-lock.json');
    expect(result.status).toBe(0);
  });

  test('says what to type where an old Node comes first on the PATH', async () => {
    const old = path.join(scratch, 'old');
    mkdirSync(old);
    writeFileSync(path.join(old, 'node'), '#!/bin/sh\nexit 1\n');
    chmodSync(path.join(old, 'node'), 0o755);
    const result = await inCopy('./setup.sh --no-system', { PATH: `${old}:${tools}` });

    expect(result.output).toContain(`export PATH="${checkout}/.node/bin:$PATH"`);
    expect(result.status).toBe(1);
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Host } from '../core/host.ts';
import { quietIo } from '../core/quiet-io.ts';
import type { VmRecord } from '../core/record.ts';
import type { VmPaths } from '../core/store.ts';
import { createHost } from '../host/local.ts';
import { metaData, userData, writeSeed } from './seed.ts';

const real = createHost();
const record = { uuid: '8f0c1c36-7b2f-4d26-9a5a-1d0e4a3f2b11', plan: { name: 'no' } } as VmRecord;

let directory: string;
let paths: VmPaths;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cb-'));
  paths = { directory, seed: join(directory, 'seed.iso') } as VmPaths;
});
afterEach(() => rmSync(directory, { recursive: true }));

/** This machine with only these of its tools for media. */
function hostWith(...tools: string[]): Host {
  return { ...real, which: async (name) => (tools.includes(name) ? real.which(name) : undefined) };
}

const write = (host: Host) => writeSeed(host, record, { paths, io: quietIo() });

describe('the seed medium', () => {
  test.for(['xorriso', 'genisoimage', 'mkisofs'])(
    'is what cloud-init looks for, by %s',
    async (tool, { skip }) => {
      if ((await real.which(tool)) === undefined) skip(`${tool} is not installed`);
      await write(hostWith(tool));
      const medium = readFileSync(paths.seed);
      expect(medium.toString('latin1', 16 * 2048 + 40, 16 * 2048 + 72).trimEnd()).toBe('cidata');
      expect(medium.includes(userData())).toBe(true);
      expect(medium.includes(metaData(record))).toBe(true);
      expect(statSync(paths.seed).mode & 0o777).toBe(0o600);
      expect(readdirSync(directory)).toEqual(['seed.iso']);
    },
  );

  test('keeps the names of its files, dashes and all', async ({ skip }) => {
    if ((await real.which('xorriso')) === undefined) skip('xorriso is not installed');
    await write(hostWith('xorriso'));
    const inside = join(directory, 'inside');
    const extract = ['-osirrox', 'on', '-indev', paths.seed, '-extract', '/', inside];
    execFileSync('xorriso', extract, { stdio: 'pipe' });
    expect(readdirSync(inside).sort()).toEqual(['meta-data', 'user-data']);
  });

  test('that no tool here can write is told with what to install', async () => {
    await expect(write(hostWith())).rejects.toMatchObject({
      code: 'host-unable',
      hint: expect.stringContaining('apt install xorriso'),
    });
  });

  test('that cannot be written leaves nothing and says why', async () => {
    const run: Host['run'] = async () => ({
      ...{ exitCode: 1, signal: undefined, stdout: '', stderr: 'No space left on device\n' },
    });
    const host = { ...hostWith(), which: async () => '/usr/bin/xorriso', run };
    await expect(write(host)).rejects.toMatchObject({
      code: 'host-unable',
      message: expect.stringContaining('No space left on device'),
    });
    expect(existsSync(join(directory, 'seed'))).toBe(false);
  });
});

describe('what it says', () => {
  test('is a cloud-config that makes nobody, lets nobody in by password, and starts the agent', () => {
    expect(userData()).toMatch(/^#cloud-config\n/);
    const data = parse(userData());
    expect(data).toMatchObject({
      ssh_pwauth: false,
      preserve_hostname: true,
      packages: ['qemu-guest-agent'],
      runcmd: [['systemctl', 'start', 'qemu-guest-agent.service']],
    });
    expect(data.users.map(({ name }: { name: string }) => name)).toEqual(['root']);
    for (const key of ['password', 'chpasswd', 'ssh_keys', 'ssh_authorized_keys', 'write_files'])
      expect(data).not.toHaveProperty(key);
  });

  test('names this VM and no other, also where YAML would take the name for something else', () => {
    expect(parse(metaData(record))).toEqual({
      'instance-id': record.uuid,
      'local-hostname': 'no',
    });
    // cloud-init reads YAML 1.1, where a bare `no` is false.
    expect(metaData(record)).toMatch(/local-hostname: ["']no["']/);
    expect(metaData({ ...record, plan: { name: '0123' } as VmRecord['plan'] })).toMatch(
      /: ["']0123["']/,
    );
    expect(metaData({ ...record, uuid: '12345678' })).toMatch(/: ["']12345678["']/);
  });
});

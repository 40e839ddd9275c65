import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliResult, cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';
import { quickImages } from './support/quick-images.ts';

// Twenty processes at once, on one VM and on different ones: nobody waits for ever, nothing is made twice or by half.

const home = freshHome();
const quick = scratch();
const area = scratch();
const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: quick };
const twenty = Array.from({ length: 20 }, (_, index) => index);

function project(name: string): string {
  const directory = path.join(area, name);
  mkdirSync(directory);
  const vm = `{ name: ${name}, cpus: 1, memory: 384M }`;
  const text = `version: '2'\nvm: ${vm}\nports: ['80']\n`;
  writeFileSync(path.join(directory, '.clonebox.yaml'), text);
  return directory;
}

const clone = (directory: string, more: Parameters<typeof cli>[1] = {}) =>
  cli(['clone', directory, '--no-template', '--image', 'quick'], { env, ...more });

const leases = () =>
  JSON.parse(readFileSync(path.join(home, 'leases.json'), 'utf8')).leases as {
    vm: string;
    host: number;
  }[];

beforeAll(() => quickImages(quick));

describe('twenty at once', () => {
  it('of the same VM: one makes it, the others are told who does', async () => {
    const same = project('same');
    const results = await Promise.all(twenty.map(() => clone(same)));
    const made = results.filter(({ exitCode }) => exitCode === 0);
    const told = results.filter(({ exitCode }) => exitCode === 5);
    expect([made.length, told.length], results.map(({ stderr }) => stderr).join('\n')).toEqual([
      1, 19,
    ]);
    const says =
      /vm same is locked by process \d+ \(clonebox clone .*\), since \d{4}-\d\d-\d\dT[\d:.]+Z/;
    for (const { stderr } of told) expect(stderr).toMatch(says);
    expect((await ok(['list'], { env })).stdout).toMatch(/^same +stopped/m);
  });

  it('of different VMs, each ended before its machine is up: nothing is left of any', async () => {
    const directories = twenty.map((index) => project(`many-${index}`));
    const ended = new Set<number>();
    const results: CliResult[] = await Promise.all(
      directories.map((directory, index) =>
        clone(directory, {
          onStderr: (text, child) => {
            if (!/Making the disk/.test(text) || ended.has(index)) return;
            ended.add(index);
            child.kill(index % 2 === 0 ? 'SIGKILL' : 'SIGINT');
          },
        }),
      ),
    );
    expect(new Set(results.map(({ exitCode }) => exitCode))).toEqual(new Set([137, 130]));
    await ok(['recover', '--auto'], { env });
    expect(readdirSync(path.join(home, 'vms'))).toEqual(['same']);
    expect(readdirSync(path.join(home, 'journal'))).toEqual([]);
    expect(new Set(leases().map(({ vm }) => vm))).toEqual(new Set(['same']));
    expect(processesWith(`${home}/`)).toEqual([]);
    expect((await ok(['audit', 'verify'], { env })).exitCode).toBe(0);
  });

  it('changing the ports of one VM: each is done or told to wait, and no port is given twice', async () => {
    const results = await Promise.all(
      twenty.map((index) => cli(['port', 'add', String(9000 + index), 'same'], { env })),
    );
    const done = results.filter(({ exitCode }) => exitCode === 0).length;
    expect(results.every(({ exitCode }) => exitCode === 0 || exitCode === 5)).toBe(true);
    expect(done).toBeGreaterThan(0);
    const hosts = leases().map(({ host }) => host);
    expect(new Set(hosts).size).toBe(hosts.length);
    expect(hosts).toHaveLength(2 + done);
    const text = readFileSync(path.join(home, 'audit/audit.jsonl'), 'utf8');
    expect(text.match(/"event":"port\.add"/g)).toHaveLength(20);
  });

  it('deleting one VM: one does, and it is gone', async () => {
    const results = await Promise.all(
      twenty.map(() => cli(['delete', 'same', '--purge', '--yes'], { env })),
    );
    const codes = results.map(({ exitCode }) => exitCode);
    expect(codes.filter((code) => code === 0).length).toBeGreaterThan(0);
    expect(codes.every((code) => [0, 4, 5].includes(code ?? -1))).toBe(true);
    expect(readdirSync(path.join(home, 'vms'))).toEqual([]);
    expect(readdirSync(path.join(home, 'trash'))).toEqual([]);
    expect(existsSync(path.join(area, 'same/.clonebox.yaml'))).toBe(true);
    expect((await ok(['audit', 'verify'], { env })).exitCode).toBe(0);
  });
});

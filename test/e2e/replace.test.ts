import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CliOptions, cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';
import { quickImages } from './support/quick-images.ts';

// `clone --replace`: the new VM is built beside the old one, which knows nothing of it until they change places.

const home = freshHome();
const quick = scratch();
const shop = path.join(scratch(), 'shop');
const env = { CLONEBOX_HOME: home, CLONEBOX_CACHE: quick };

interface Vm {
  state: string;
  pid: number | null;
  ports: { guest: number; host: number }[];
}

const status = async () => (await ok(['status', 'shop', '--json'], { env })).json<Vm>();
const which = async () =>
  (await cli(['exec', 'shop', '--', 'cat', '/which'], { env })).stdout.trim();
const mark = (word: string) =>
  ok(['exec', 'shop', '--as', 'root', '--', 'sh', '-c', `echo ${word} >/which`], { env });

function configure(more = ''): void {
  const vm = '{ name: shop, cpus: 1, memory: 384M }';
  const text = `version: '2'\nvm: ${vm}\nports: ['18095:80', '81']\n${more}`;
  writeFileSync(path.join(shop, '.clonebox.yaml'), text);
}

const replace = (options: CliOptions = {}) =>
  cli(['clone', shop, '--replace', '--run', '--no-wait', '--no-template', '--image', 'quick'], {
    env,
    ...options,
  });

/** Nothing of a new VM is left: no directory, no process, no journal. */
function expectOnlyTheOld(): void {
  expect(readdirSync(path.join(home, 'vms'))).toEqual(['shop']);
  expect(readdirSync(path.join(home, 'run/vms'))).toHaveLength(1);
  expect(readdirSync(path.join(home, 'journal'))).toEqual([]);
  expect(processesWith(`${home}/vms/shop.new`)).toEqual([]);
}

let before: Vm;

beforeAll(async () => {
  await quickImages(quick);
  mkdirSync(shop);
  configure();
  await ok(['clone', shop, '--run', '--no-wait', '--no-template', '--image', 'quick'], { env });
  await mark('old');
  before = await status();
});

describe('until the new one is ready the old one goes on as it was', () => {
  it('when the new one fails in a provisioning step', async () => {
    configure('provision: [{ run: exit 3 }]\n');
    const failed = await replace();
    expect(failed.exitCode, failed.stderr).toBe(8);
    expectOnlyTheOld();
    expect(await status()).toMatchObject({ pid: before.pid, ports: before.ports });
    expect(await which()).toBe('old');
  });

  it('while the new one boots beside it, and after Ctrl-C', async () => {
    configure();
    let seen: Promise<string> | undefined;
    const result = await replace({
      group: true,
      onStderr: (text, child) => {
        if (!/Booting/.test(text) || seen !== undefined) return;
        seen = which().finally(() => process.kill(-(child.pid ?? 0), 'SIGINT'));
      },
    });
    expect(result.exitCode, result.stderr).toBe(130);
    expect(await seen).toBe('old');
    expectOnlyTheOld();
    expect((await status()).pid).toBe(before.pid);
  });

  it('after kill -9; the next command takes the new one back', async () => {
    const result = await replace({
      onStderr: (text, child) => {
        if (/Making it shop/.test(text)) child.kill('SIGKILL');
      },
    });
    expect(result.exitCode).toBe(137);
    expect((await ok(['list'], { env })).stdout).toMatch(/^shop +running/m);
    expect((await ok(['recover', '--list'], { env })).stdout).toMatch(
      /interrupted: vm\.replace of shop/,
    );
    const recovered = await ok(['recover', '--auto'], { env });
    expect(recovered.stdout).toMatch(/took back vm\.replace of shop/);
    expectOnlyTheOld();
    expect((await status()).pid).toBe(before.pid);
  });
});

describe('when it is ready they change places', () => {
  it('the new one has the name and the ports, and the old one is in the trash', async () => {
    const done = await replace();
    expect(done.exitCode, done.stderr).toBe(0);
    const now = await status();
    expect(now.state).toBe('running');
    expect(now.pid).not.toBe(before.pid);
    expect(now.ports).toEqual(before.ports);
    expect(await which()).toBe('');
    expectOnlyTheOld();
    await mark('new');
    expect((await ok(['recover', '--list'], { env })).stdout).toMatch(/^in the trash: shop/m);
  });

  it('and back: the old one comes from the trash as it was, stopped', async () => {
    await ok(['recover', 'shop', '--replace', '--yes'], { env });
    expect((await status()).state).toBe('stopped');
    await ok(['start', 'shop', '--no-wait'], { env });
    expect(await which()).toBe('old');
    expect((await status()).ports).toEqual(before.ports);
  });

  it('purging it leaves nothing of either', async () => {
    await ok(['delete', 'shop', '--purge', '--yes'], { env });
    for (const place of ['vms', 'trash', 'journal', 'locks', 'run/vms']) {
      expect(readdirSync(path.join(home, place)), place).toEqual([]);
    }
    expect(existsSync(path.join(shop, '.clonebox.yaml'))).toBe(true);
    expect(processesWith(`${home}/`)).toEqual([]);
  });
});

import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cache, cli, freshHome, ok, processesWith, scratch } from './support/cli.ts';

interface Made {
  readonly path: string;
  readonly pathReason: string;
  readonly vm: { readonly template: { readonly key: string; readonly pool: number } };
}

interface Warm {
  readonly key: string;
  readonly shape: { readonly memory: number };
}

/** What QEMU says of each machine of a state directory. */
function statuses(home: string): Promise<string[]> {
  const run = path.join(home, 'run/vms');
  return Promise.all(
    readdirSync(run).map(
      (name) =>
        new Promise<string>((resolve, reject) => {
          let said = '';
          const socket = connect(path.join(run, name, 'qmp'));
          socket.on('error', reject).on('data', (bytes) => {
            said += bytes;
            const status = /"status": "([a-z-]+)"/.exec(said)?.[1];
            if (status === undefined) return;
            socket.destroy();
            resolve(status);
          });
          socket.write('{"execute":"qmp_capabilities"}{"execute":"query-status"}');
        }),
    ),
  );
}

const MiB = 1024 ** 2;
/** Of a machine that nobody else has kept the memory of, so that there is something to keep. */
const memory = 768 + 2 * (process.pid % 100);

/** What is prepared in the background: each test stands on the one before. */
describe('a clone whose next one is to be faster', () => {
  const home = freshHome();
  const env = { CLONEBOX_HOME: home };
  const project = path.join(scratch(), 'pooled');
  mkdirSync(project);
  const write = (pool: number) =>
    writeFileSync(
      path.join(project, '.clonebox.yaml'),
      `version: '2'
vm: { image: 'bootstrap:debian:12', cpus: 1, memory: ${memory}M, memory_mode: shared }
templates: { pool: ${pool} }
`,
    );
  const clone = async (...words: string[]) => {
    const argv = ['clone', project, '--user', '--run', '--json', ...words];
    return (await ok(argv, { env, timeout: 900_000 })).json<Made>();
  };
  const remove = () => ok(['delete', project, '--yes'], { env });
  const inPool = () => readdirSync(path.join(home, 'vms')).filter((name) => name.includes('.pool'));
  const waiting = async () =>
    (await ok(['status', project, '--json'], { env })).json<Made['vm']>().template.pool;
  const filled = (count: number) =>
    expect.poll(waiting, { timeout: 120_000, interval: 1000 }).toBe(count);
  const kept = async () => {
    const { templates } = (await ok(['template', 'list', '--json'], { env })).json<{
      templates: { warm: Warm[] }[];
    }>();
    return templates.flatMap(({ warm }) => warm.filter((one) => one.shape.memory === memory * MiB));
  };
  const identity = async () => {
    const script = 'cat /etc/machine-id /proc/sys/kernel/random/boot_id; hostname; ls -A';
    const { stdout } = await ok(['exec', project, '--', 'sh', '-c', script], { env });
    const [machineId, bootId, hostname, ...files] = stdout.trim().split('\n');
    const hostKey = readFileSync(path.join(home, 'vms/pooled/known_hosts'), 'utf8');
    return { machineId, bootId, hostKey, hostname, files };
  };

  afterAll(async () => {
    const own = await kept();
    await ok(['delete', project, '--purge', '--yes'], { env });
    for (const { key } of own) {
      for (const template of readdirSync(path.join(cache, 'templates')))
        rmSync(path.join(cache, 'templates', template, 'warm', key), {
          recursive: true,
          force: true,
        });
    }
    expect(processesWith(home)).toEqual([]);
  });

  it('boots with --warm=later, and the memory is kept in the background', async () => {
    write(0);
    const first = await clone('--warm', 'later');
    expect(first).toMatchObject({ path: 'disk', pathReason: expect.stringContaining('later') });
    await expect.poll(kept, { timeout: 600_000, interval: 2000 }).toHaveLength(1);
    await remove();
  });

  it('goes on from it the next time, and fills its pool', async () => {
    write(1);
    expect((await clone()).path).toBe('warm');
    await filled(1);
    expect((await ok(['list', '--json'], { env })).json()).toMatchObject({
      vms: [{ name: 'pooled' }],
    });
    expect((await ok(['doctor'], { env })).stdout).toMatch(/1 machines? .* to be claimed: pooled/);
  });

  it('halts the machine that waits, and shares no file with it that is elsewhere too', async () => {
    await remove();
    expect(await statuses(home)).toEqual(['paused']);
    const outside = path.join(path.dirname(project), 'outside');
    writeFileSync(outside, 'KEEP');
    linkSync(outside, path.join(project, 'linked'));
    expect((await clone()).pathReason).toContain('pool');
    await ok(['exec', project, '--', 'sh', '-c', 'echo evil >linked'], { env });
    expect(readFileSync(outside, 'utf8')).toBe('KEEP');
    rmSync(path.join(project, 'linked'));
    await filled(1);
    expect((await statuses(home)).toSorted()).toEqual(['paused', 'running']);
  });

  it('claims a machine that runs already, which is another one than the last', async () => {
    const before = await identity();
    await remove();
    const [member] = inPool();
    const made = await clone();
    expect(made).toMatchObject({ path: 'warm', pathReason: expect.stringContaining('pool') });
    const now = await identity();
    expect(now).toMatchObject({ hostname: 'pooled', files: ['.clonebox.yaml'] });
    for (const item of ['machineId', 'bootId', 'hostKey'] as const)
      expect(now[item]).not.toBe(before[item]);
    expect((await ok(['ssh', project, '--', 'hostname'], { env })).stdout.trim()).toBe('pooled');
    expect(inPool()).not.toContain(member);
    await filled(1);
    const report = (await ok(['identity', project, '--json'], { env })).json();
    expect(JSON.stringify(report)).not.toContain('"isRight":false');
    await ok(['stop', project], { env });
    await ok(['start', project], { env, timeout: 900_000 });
    expect((await identity()).machineId).toBe(now.machineId);
  });

  it('does without one that died, and another takes its place', async () => {
    await remove();
    const [member = ''] = inPool();
    const machines = processesWith(home);
    expect(machines).toHaveLength(1);
    for (const line of machines) process.kill(Number.parseInt(line, 10), 'SIGKILL');
    const made = await clone();
    expect(made.path).toBe('warm');
    expect(made.pathReason).not.toContain('pool');
    await filled(1);
    expect(inPool()).not.toContain(member);
  });

  it('leaves nothing of a claim that was killed', async () => {
    await remove();
    const killed = await cli(['clone', project, '--user', '--run'], {
      env,
      onStderr: (text, child) => {
        if (text.includes('Making it')) child.kill('SIGKILL');
      },
    });
    expect(killed.exitCode).toBe(137);
    await ok(['recover', '--auto'], { env });
    expect((await ok(['list', '--json'], { env })).json()).toEqual({ vms: [] });
    const made = await clone();
    expect(made.path).toBe('warm');
    await filled(1);
    expect(inPool()).toHaveLength(1);
    expect(readdirSync(path.join(home, 'journal'))).toEqual([]);
  });

  it('has its pool ended by whoever asks for none', async () => {
    write(0);
    const built = await ok(['template', 'build', project], { env });
    expect(built.stdout).not.toContain('in the pool');
    expect(inPool()).toEqual([]);
    expect(await waiting()).toBe(0);
    expect(processesWith(home).length).toBeGreaterThan(0);
    const audit = readFileSync(path.join(home, 'audit/audit.jsonl'), 'utf8');
    for (const event of ['pool.add', 'pool.end', 'template.keep'])
      expect(audit).toContain(`"${event}"`);
    await ok(['audit', 'verify'], { env });
  });
});

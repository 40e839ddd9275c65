import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quietIo } from '../core/quiet-io.ts';
import {
  isAlive,
  kill,
  processAge,
  processesMentioning,
  processMemory,
  processRef,
  run,
  runAttached,
} from './processes.ts';

/** A machine under load may be slow. */
const patient = { timeout: 10_000 };

const io = quietIo();
let scratch: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'cb-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true });
});

const sh = (script: string, ...words: string[]) => ['sh', '-c', script, 'sh', ...words];
const gone = (pid: number) => expect.poll(() => processRef(pid), { timeout: 5000 }).toBeUndefined();

/** A process that waits until it is killed. */
async function waiting(...words: string[]): Promise<ChildProcess & { pid: number }> {
  const [program, ...args] = sh('echo; read x', ...words) as [string, ...string[]];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child as ChildProcess & { pid: number };
}

describe('run', () => {
  test('keeps output and errors apart, and a failure is a value', async () => {
    const result = await run(sh('echo out; echo err >&2; exit 3'), io);
    expect(result).toEqual({ exitCode: 3, signal: undefined, stdout: 'out\n', stderr: 'err\n' });
  });

  test('gives output byte for byte to who asks for it', async () => {
    const chunks: Uint8Array[] = [];
    const onOutput = (chunk: Uint8Array) => void chunks.push(chunk);
    await run(sh("printf 'a\\377\\000\\n'; echo no >&2"), io, { onOutput, maxBuffer: 2 });
    expect([...Buffer.concat(chunks)]).toEqual([0x61, 0xff, 0x00, 0x0a]);
  });

  test('hands every argument over as it is', async () => {
    const words = fc.array(fc.string({ unit: 'binary' }).map((word) => word.replaceAll('\0', '')));
    await fc.assert(
      fc.asyncProperty(words, async (any) => {
        const { stdout } = await run(['printf', '%s\\0', 'first', ...any], io);
        expect(stdout).toBe(['first', ...any, ''].join('\0'));
      }),
      { numRuns: 50 },
    );
  });

  test('hands over input, environment and directory', async () => {
    const options = { input: 'in\n', env: { WHAT: 'it is' }, cwd: scratch };
    const { stdout } = await run(sh('read line; echo "$line $WHAT"; pwd'), io, options);
    expect(stdout).toBe(`in it is\n${scratch}\n`);
  });

  test('closes standard input when there is none, and a program may leave it unread', async () => {
    expect((await run(['cat'], io)).stdout).toBe('');
    const input = 'x'.repeat(1 << 20);
    expect((await run(['true'], io, { input })).exitCode).toBe(0);
  });

  test('a program ended by a signal has the status that shells give it', async () => {
    expect(await run(sh('kill -9 $$'), io)).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
    expect(await run(sh('kill -15 $$'), io)).toMatchObject({ exitCode: 143, signal: 'SIGTERM' });
  });

  test('a program that is not there is named with its package', async () => {
    const missing = { code: 'host-unable', hint: expect.stringContaining('clonebox-no-such-tool') };
    await expect(run(['clonebox-no-such-tool'], io)).rejects.toMatchObject(missing);
  });

  test('cuts off output beyond its bound, and lets the program go on', async () => {
    const script = 'head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; exit 4';
    const result = await run(sh(script), io, { maxBuffer: 1000 });
    expect(result).toMatchObject({
      exitCode: 4,
      stdout: '\0'.repeat(1000),
      stderr: '\0'.repeat(1000),
    });
  });

  test('tells lines as they come, also those that end in a carriage return or not at all', async () => {
    const seen: string[] = [];
    const script = "printf '1%%\\r2%%\\r\\n'; printf 'warning\\n\\n' >&2; printf 'the end'";
    await run(sh(script), io, { onLine: (line) => seen.push(line) });
    expect(seen.sort()).toEqual(['1%', '2%', 'the end', 'warning']);
  });

  test('tells a line that comes in pieces of letters as one', async () => {
    const seen: string[] = [];
    const script = `for (const b of Buffer.from('ünï🐛\\n')) require('fs').writeSync(1, Buffer.of(b));`;
    await run([process.execPath, '-e', script], io, { onLine: (line) => seen.push(line) });
    expect(seen).toEqual(['ünï🐛']);
  });

  test('a line without end does not pile up', async () => {
    const seen: string[] = [];
    await run(sh('head -c 10000000 /dev/zero; echo; echo after'), io, {
      onLine: (line) => seen.push(line),
    });
    expect(seen.at(-1)).toBe('after');
    expect(seen.join('').length).toBeLessThan(1_000_000);
  });
});

describe('an abort', () => {
  test('ends the program and its children, and its reason comes back', async () => {
    const interrupt = new AbortController();
    const pids: number[] = [];
    const running = run(
      sh('sleep 600 & echo $!; sh -c "sleep 600 & echo \\$!; wait" & echo $$; wait'),
      { ...io, signal: interrupt.signal },
      {
        onLine: (line) => {
          pids.push(Number(line));
          if (pids.length === 3) interrupt.abort(new Error('Ctrl-C'));
        },
      },
    );
    await expect(running).rejects.toThrow('Ctrl-C');
    for (const pid of pids) await gone(pid);
  });

  test('ends one that does not want to', async () => {
    const interrupt = new AbortController();
    let pid = 0;
    const options = {
      onLine: (line: string) => {
        pid = Number(line);
        interrupt.abort(new Error('Ctrl-C'));
      },
    };
    const stubborn = sh('trap "" TERM; echo $$; while :; do sleep 1; done');
    const running = run(stubborn, { ...io, signal: interrupt.signal }, options);
    await expect(running).rejects.toThrow('Ctrl-C');
    await gone(pid);
  });

  test('does not wait for a grandchild that went away with the output', async () => {
    const interrupt = new AbortController();
    const script = 'setsid sh -c "echo \\$\\$; exec sleep 600" & wait';
    let pid = 0;
    const options = {
      onLine: (line: string) => {
        pid = Number(line);
        interrupt.abort(new Error('Ctrl-C'));
      },
    };
    const running = run(sh(script), { ...io, signal: interrupt.signal }, options);
    await expect(running).rejects.toThrow('Ctrl-C');
    expect(processRef(pid)).toBeDefined();
    process.kill(pid, 'SIGKILL');
  });

  test('before the start keeps the program from starting', async () => {
    const signal = AbortSignal.abort(new Error('Ctrl-C'));
    const made = join(scratch, 'made');
    await expect((async () => run(['touch', made], { ...io, signal }))()).rejects.toThrow('Ctrl-C');
    expect(statSync(made, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('after the end does nothing', async () => {
    const interrupt = new AbortController();
    const result = await run(['true'], { ...io, signal: interrupt.signal });
    interrupt.abort();
    expect(result.exitCode).toBe(0);
  });
});

test('a program that takes too long is ended, and what it said is told', async () => {
  const slow = run(sh('echo working >&2; sleep 600'), io, { timeout: 300 });
  await expect(slow).rejects.toMatchObject({
    code: 'deadline',
    message: expect.stringContaining('300 ms'),
    facts: { stderr: 'working\n' },
  });
});

describe('a program on this terminal', () => {
  test.each([
    ['exit 0', 0],
    ['exit 7', 7],
    ['kill -2 $$', 130],
    ['kill -15 $$', 143],
    ['kill -9 $$', 137],
  ])('that does %j has status %i', async (script, status) => {
    expect(await runAttached(sh(script), io)).toBe(status);
  });

  test('is ended by an abort', async () => {
    const interrupt = new AbortController();
    const running = runAttached(['sleep', '600'], { ...io, signal: interrupt.signal });
    interrupt.abort();
    expect(await running).toBe(143);
  });

  test('that is not there is named', async () => {
    await expect(runAttached(['clonebox-no-such-tool'], io)).rejects.toMatchObject({
      code: 'host-unable',
    });
  });
});

describe('a process', () => {
  test('that has ended is gone, though nobody has asked for its status', async () => {
    const [program, ...args] = sh('sleep 0.1 & echo $!; exec sleep 600') as [string, ...string[]];
    const parent = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(parent);
    const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8'), patient).toContain(') Z ');
    expect(processRef(pid)).toBeUndefined();
  });

  test('that got the pid of another is not taken for it, nor signalled', async () => {
    const { pid } = await waiting();
    const ref = processRef(pid);
    const earlier = { pid, startTime: (ref?.startTime ?? 0) - 1 };
    expect(isAlive(earlier)).toBe(false);
    kill(earlier, 'SIGKILL');
    expect(processRef(pid)).toEqual(ref);
  });

  test('that never was is no error', () => {
    expect(processRef(2 ** 22 + 1)).toBeUndefined();
    kill({ pid: 2 ** 22 + 1, startTime: 1 }, 'SIGKILL');
  });

  test('is found by a path on its command line, also with doubled commas', async () => {
    const path = join(scratch, 'a,b c');
    const plain = await waiting(path);
    const doubled = await waiting(`socket,path=${path.replaceAll(',', ',,')}/qmp`);
    await waiting(join(scratch, 'a,'));
    const found = (await processesMentioning(path)).map(({ pid }) => pid);
    expect(found.sort()).toEqual([plain.pid, doubled.pid].sort());
  });

  test('has an age and a memory while it lives', async () => {
    const child = await waiting();
    const ref = processRef(child.pid) ?? { pid: 0, startTime: 0 };
    expect(await processAge(ref)).toBeLessThan(10);
    const memory = await processMemory(ref);
    expect(memory?.rss).toBeGreaterThan(50_000);
    expect(memory?.pss).toBeLessThanOrEqual(memory?.rss ?? 0);
    expect(memory?.shared).toBeLessThanOrEqual(memory?.rss ?? 0);
    expect(memory?.anonymous).toBeGreaterThan(0);
    expect(memory?.anonymous).toBeLessThanOrEqual(memory?.rss ?? 0);
    child.kill('SIGKILL');
    await gone(child.pid);
    expect(await processMemory(ref)).toBeUndefined();
  });

  test('that started at boot is as old as this machine', async () => {
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    expect(Math.abs((await processAge({ pid: 1, startTime: 0 })) - uptime)).toBeLessThan(2);
  });
});

import { describe, expect, it } from 'vitest';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { parseVmName } from '../core/name.ts';
import type { Store } from '../core/store.ts';
import { runCli } from './cli.ts';
import type { Terminal } from './terminal.ts';

const shop = parseVmName('shop');

/** A terminal that remembers, of a process that nobody sits at. */
function fakeTerminal(overrides: Partial<Terminal> = {}) {
  const texts = { stdout: '', stderr: '' };
  const output = (stream: 'stdout' | 'stderr') => ({
    write: (chunk: string | Uint8Array) => {
      texts[stream] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    },
  });
  const terminal: Terminal = {
    env: {},
    cwd: () => '/',
    stdout: output('stdout'),
    stderr: output('stderr'),
    isTty: { stdin: false, stdout: false, stderr: false },
    unread: new AbortController().signal,
    ...overrides,
  };
  return { terminal, texts };
}

/** A graph whose VM `shop` is locked: `withLock` is where each operation ends up. */
function lockedStore(withLock: (io: Io) => Promise<never>): Partial<Ctx> {
  const store: Partial<Store> = {
    names: async () => [shop],
    withLock: (_name, io) => withLock(io),
  };
  return { store: store as Store };
}

async function run(
  argv: readonly string[],
  { terminal, ctx }: { terminal?: Partial<Terminal>; ctx?: Partial<Ctx> } = {},
) {
  const fake = fakeTerminal(terminal);
  const code = await runCli(argv, fake.terminal, ctx);
  return { code, ...fake.texts };
}

const refuse = (error: unknown) => lockedStore(() => Promise.reject(error));
const untilAborted = (io: Io) =>
  new Promise<never>((_, reject) => {
    io.signal.addEventListener('abort', () => reject(new Error('socket closed')));
  });

describe('a command that fails', () => {
  const busy = new CloneboxError('conflict', 'shop is locked', { facts: { pid: 7 } });

  it('says so on standard error and ends with its code', async () => {
    expect(await run(['stop', 'shop'], { ctx: refuse(busy) })).toEqual({
      ...{ code: 5, stdout: '', stderr: 'error: shop is locked\n' },
    });
  });

  it('with --json is one document on standard output', async () => {
    const { code, stdout, stderr } = await run(['stop', 'shop', '--json'], { ctx: refuse(busy) });
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'conflict', message: 'shop is locked', hint: null, facts: { pid: 7 } },
    });
  });

  it('is a bug when it throws anything else', async () => {
    const { code, stderr } = await run(['stop', 'shop'], { ctx: refuse(new TypeError('oops')) });
    expect(code).toBe(1);
    expect(stderr).toContain('bug in CloneBox: oops');
  });
});

describe('a wrong command line', () => {
  it.each([
    [['strat']],
    [['--nope']],
    [['stop', '--forec']],
    [['stop', 'a', 'b']],
    [['exec', 'shop', 'ls', '-la']],
    [['exec', 'shop', '--']],
    [['port']],
    [['cp', 'a']],
    [['clone', '--memory', 'much']],
    [['stop', 'Not A Name']],
    [['clone', '--driver', 'vmware']],
    [['console']],
    [['exec', '-t', '--', 'ls']],
  ])('%j is exit code 2 with a message, and with --json a document', async (argv) => {
    const plain = await run(argv);
    expect({ code: plain.code, stdout: plain.stdout }).toEqual({ code: 2, stdout: '' });
    expect(plain.stderr).toMatch(/^error: /);
    const dashes = argv.indexOf('--');
    const at = dashes < 0 ? argv.length : dashes;
    const json = await run([...argv.slice(0, at), '--json', ...argv.slice(at)]);
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'usage' });
  });

  it('says that exec wants -- before the command, whatever that looks like', async () => {
    const { stderr } = await run(['exec', 'shop', 'ls', '-la']);
    expect(stderr).toContain('hint: For example: clonebox exec [vm] -- ls -l');
  });

  it('refuses --json where the guest has this terminal', async () => {
    for (const line of ['exec -i --json -- ls', 'ssh --json', 'console --json', 'logs -f --json']) {
      const { code, stdout } = await run(line.split(' '));
      expect({ line, code }).toEqual({ line, code: 2 });
      expect(JSON.parse(stdout).error.message).toContain('--json');
    }
  });

  it('takes words after -- as arguments where there is no command for the guest', async () => {
    const { stderr } = await run(['stop', '--', '--json']);
    expect(stderr).toContain('not a VM name');
  });
});

describe('a question', () => {
  const runs = { kind: 'running', process: { pid: 1, startTime: 1 }, uptimeSeconds: 1 } as const;
  const ctx: Partial<Ctx> = {
    store: {
      names: async () => [shop],
      withLock: (_name, _io, action) => action(),
      recover: async () => [],
      read: async () => ({ phase: 'ready', plan: { driver: 'qemu' } }) as never,
      emptyTrash: async () => 0,
    } as Partial<Store> as Store,
    driver: async () => ({ inspect: async () => runs }) as never,
  };

  it('that nobody can answer is exit code 2 and names the option', async () => {
    const { code, stderr } = await run(['delete', 'shop'], { ctx });
    expect(code).toBe(2);
    expect(stderr).toContain('shop is running. Stop and delete it?');
    expect(stderr).toContain('--yes');
  });
});

describe('a signal', () => {
  it.each([
    ['SIGINT', 130, 'interrupted'],
    ['SIGTERM', 143, 'terminated'],
    ['SIGHUP', 143, 'terminated'],
  ] as const)('%s ends the command with %i after its clean-up', async (name, code, word) => {
    let cleanedUp = false;
    const ctx = lockedStore(async (io) => {
      setImmediate(() => process.emit(name, name));
      try {
        return await untilAborted(io);
      } finally {
        cleanedUp = true;
      }
    });
    const result = await run(['stop', 'shop'], { ctx });
    expect(result).toEqual({ code, stdout: '', stderr: `${word}\n` });
    expect(cleanedUp).toBe(true);
    const document = await run(['stop', 'shop', '--json'], { ctx });
    expect(JSON.parse(document.stdout).error.code).toBe(word);
  });

  it('sent twice says that the clean-up goes on', async () => {
    const ctx = lockedStore(async (io) => {
      setImmediate(() => process.emit('SIGINT', 'SIGINT'));
      await untilAborted(io).catch(() => undefined);
      process.emit('SIGINT', 'SIGINT');
      throw new Error('undone');
    });
    const { code, stderr } = await run(['stop', 'shop'], { ctx });
    expect(code).toBe(130);
    expect(stderr).toContain('still cleaning up');
  });

  it("is nobody else's after the command", async () => {
    const before = process.listenerCount('SIGINT');
    await run(['stop', 'shop'], { ctx: refuse(new CloneboxError('conflict', 'no')) });
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
});

describe('standard output that nobody reads', () => {
  it('ends a running command quietly', async () => {
    const reader = new AbortController();
    const ctx = lockedStore((io) => {
      setImmediate(() => reader.abort());
      return untilAborted(io);
    });
    expect(await run(['stop', 'shop'], { ctx, terminal: { unread: reader.signal } })).toEqual({
      ...{ code: 141, stdout: '', stderr: '' },
    });
  });
});

describe('the directory the command runs in', () => {
  it('may be gone: exit code 4', async () => {
    const gone = () => {
      throw new Error('ENOENT: no such file or directory, uv_cwd');
    };
    const { code, stderr } = await run(['stop'], { terminal: { cwd: gone } });
    expect(code).toBe(4);
    expect(stderr).toContain('does not exist any more');
  });
});

import { describe, expect, it } from 'vitest';
import { createContext } from '../context.ts';
import type { Audit } from '../core/audit.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError } from '../core/errors.ts';
import type { Io } from '../core/io.ts';
import { parseVmName } from '../core/name.ts';
import type { Store } from '../core/store.ts';
import { createTrace } from '../core/trace.ts';
import { runLine } from './run-line.ts';
import type { Terminal } from './terminal.ts';

const shop = parseVmName('shop');
const quiet: Io = {
  signal: new AbortController().signal,
  log: { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet.log },
  emit() {},
};
const options = { io: quiet, startedAt: 0, trace: createTrace({}) };
const { host: thisHost } = createContext(options);
const audit: Audit = { reserve: async () => {}, yieldRoom: async () => {}, append: async () => {} };
const nowhere = { ...thisHost, env: { CLONEBOX_HOME: '/nowhere' } };
const { paths } = createContext(options, { host: nowhere }).store;

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
    readInput: async () => Buffer.alloc(0),
    unread: new AbortController().signal,
    ...overrides,
  };
  return { terminal, texts };
}

/** A graph whose VM `shop` is locked: `withLock` is where each operation ends up. */
function lockedStore(withLock: (io: Io) => Promise<never>): Partial<Ctx> {
  const store: Partial<Store> = {
    paths,
    names: async () => [shop],
    withLock: (_name, io) => withLock(io),
  };
  return { store: store as Store };
}

interface Given {
  readonly terminal?: Partial<Terminal>;
  readonly ctx?: Partial<Ctx>;
  /** What writes the log of the state directory. */
  readonly append?: (line: string) => boolean;
}

async function run(argv: readonly string[], { terminal, ctx, append = () => false }: Given = {}) {
  const fake = fakeTerminal(terminal);
  const host = { ...thisHost, logFile: () => ({ append }) };
  const code = await runLine(argv, fake.terminal, { host, audit, ...ctx });
  return { code, ...fake.texts };
}

/** As `run`, with the lines of the log. */
async function logged(argv: readonly string[], given: Given = {}) {
  const lines: Record<string, unknown>[] = [];
  const append = (line: string) => lines.push(JSON.parse(line)) > 0;
  return { ...(await run(argv, { ...given, append })), lines };
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
      ...{ code: 5, stdout: '' },
      stderr: expect.stringMatching(/^error: shop is locked\noperation: [0-9a-f]{16}\n$/),
    });
  });

  it('with --json is one document on standard output', async () => {
    const { code, stdout, stderr } = await run(['stop', 'shop', '--json'], { ctx: refuse(busy) });
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: {
        ...{ code: 'conflict', message: 'shop is locked', hint: null },
        facts: { pid: 7, operation: expect.stringMatching(/^[0-9a-f]{16}$/) },
      },
    });
  });

  it('names its operation, under which the log has it', async () => {
    const { stderr, lines } = await logged(['stop', 'shop'], { ctx: refuse(busy) });
    const line = lines.find(({ event }) => event === 'command.failed');
    expect(line).toMatchObject({
      ...{ level: 'error', event: 'command.failed', command: 'stop', pid: process.pid },
      ...{ code: 'conflict', message: 'shop is locked', facts: { pid: 7 }, exit_code: 5 },
      ...{ stack: expect.stringContaining('run-line.test'), duration_ms: expect.any(Number) },
    });
    expect(line?.correlation).toBe(line?.operation);
    const id = line?.operation;
    expect(stderr).toBe(
      `error: shop is locked\noperation: ${id} (clonebox logs --operation ${id})\n`,
    );
  });

  it('takes the correlation of the environment, unless it is malformed', async () => {
    for (const [given, taken] of [
      ['build-7', true],
      ['a b', false],
    ] as const) {
      const terminal = { env: { CLONEBOX_CORRELATION: given } };
      const { lines } = await logged(['stop', 'shop'], { ctx: refuse(busy), terminal });
      expect(lines[0]?.correlation === given).toBe(taken);
    }
  });

  it('is no different where the log cannot be written, which is told once', async () => {
    const ctx = lockedStore(async (io) => {
      io.log.info('vm.stop.started');
      io.log.warn('vm.stop.slow');
      throw busy;
    });
    const append = () => {
      throw new CloneboxError('host-unable', 'the disk is full');
    };
    const { code, stderr } = await run(['stop', 'shop', '--quiet'], { ctx, append });
    expect(code).toBe(5);
    expect(stderr).toMatch(
      /^warning: no log: the disk is full\nerror: shop is locked\noperation: [0-9a-f]{16}\n$/,
    );
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
      paths,
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

describe('the log', () => {
  const logs = lockedStore(async (io) => {
    io.log.debug('a.debug', { vm: 'shop', size: 5 });
    io.log.info('an.info');
    io.log.child({ vm: 'shop' }).warn('a.warning', { reason: 'two\nlines \u001b[31m' });
    io.log.error('an.error');
    io.log.error('a.step.failed');
    throw new CloneboxError('conflict', 'no');
  });
  const stop = async (words: string, env: Terminal['env'] = {}, tty = false) => {
    const isTty = { stdin: false, stdout: false, stderr: tty };
    return logged(['stop', 'shop', '--no-color', ...words.split(' ').filter(Boolean)], {
      ...{ ctx: logs, terminal: { env, isTty } },
    });
  };
  const events = (text: string) => [...text.matchAll(/\ban?\.[a-z.]+/g)].map(String);

  it.each([
    ['', {}, ['a.warning', 'an.error']],
    ['--quiet', {}, ['an.error']],
    ['', { CLONEBOX_LOG: 'info' }, ['an.info', 'a.warning', 'an.error']],
    ['', { CLONEBOX_LOG: 'ERROR' }, ['an.error']],
    ['', { CLONEBOX_LOG: 'silent' }, []],
    ['', { CLONEBOX_LOG: '' }, ['a.warning', 'an.error']],
    ['-v', { CLONEBOX_LOG: 'silent' }, ['a.debug', 'an.info', 'a.warning', 'an.error']],
    ['-q', { CLONEBOX_LOG: 'debug' }, ['an.error']],
  ])('on standard error, with %j and %j, has its level', async (words, env, expected) => {
    const { stderr, stdout } = await stop(words, env);
    const shown = events(stderr);
    expect(shown.filter((event) => !event.endsWith('.failed'))).toEqual(expected);
    // The error that ends the command is told already, unless everything is asked for.
    expect(shown.includes('a.step.failed')).toBe(expected.includes('a.debug'));
    expect(stdout).toBe('');
  });

  it.each([
    ['', {}, false],
    ['-q', { CLONEBOX_LOG: 'silent' }, false],
    ['-v', {}, true],
    ['', { CLONEBOX_LOG: 'debug' }, true],
  ])('in the state directory has level info at least: %j %j', async (words, env, all) => {
    const { lines } = await stop(words, env);
    const own = lines.filter(({ event }) => /^an?\./.test(String(event)));
    expect(own.map(({ event }) => event)).toEqual([
      ...(all ? ['a.debug'] : []),
      ...['an.info', 'a.warning', 'an.error', 'a.step.failed'],
    ]);
    expect(lines.at(-1)?.event).toBe('command.failed');
    for (const line of lines) {
      expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(line).toMatchObject({ operation: lines[0]?.operation, command: 'stop' });
    }
  });

  it.each([
    ['', true, false],
    ['', false, true],
    ['--log-format json', true, true],
    ['--log-format=pretty', false, false],
  ])('with %j on a terminal (%s) is JSON: %s', async (words, tty, isJson) => {
    const { stderr } = await stop(words, { TERM: 'dumb' }, tty);
    const line = stderr.split('\n').find((one) => one.includes('a.warning')) ?? '';
    if (!isJson) return expect(line).toBe('warn a.warning vm=shop reason=two lines');
    expect(JSON.parse(line)).toMatchObject({ level: 'warn', event: 'a.warning', vm: 'shop' });
  });

  it('takes no other level or format', async () => {
    const level = await stop('', { CLONEBOX_LOG: 'loud' });
    expect(level).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"loud" is not a level'),
    });
    const format = await stop('--log-format xml');
    expect(format).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--log-format: "xml"'),
    });
  });
});

describe('a secret of the environment', () => {
  const token = 'tok"en\\of 7 nations';
  const env = { MY_API_TOKEN: token, HTTPS_PROXY: 'http://joe:p%40ssphrase@proxy:3128' };
  const ctx = lockedStore(async (io) => {
    io.emit({ kind: 'phase', id: 'x', title: `Using ${token}` });
    io.emit({ kind: 'warning', text: 'p@ssphrase' });
    io.log.warn('it.leaks', { argv: ['--token', token], url: env.HTTPS_PROXY });
    throw new CloneboxError('conflict', `bad ${token}`, {
      hint: 'or p%40ssphrase',
      facts: { json: JSON.stringify({ token }) },
      cause: new Error(token),
    });
  });

  it.each(['', '--json', '--verbose', '--verbose --json', '-v --log-format pretty'])(
    'is in nothing that is told or written: %j',
    async (words) => {
      const argv = ['stop', 'shop', ...words.split(' ').filter(Boolean)];
      const { stdout, stderr, lines } = await logged(argv, { ctx, terminal: { env } });
      const told = [stdout, stderr, JSON.stringify(lines)].join('\n');
      expect(told).toContain('[redacted]');
      expect(told).not.toMatch(/nations|ssphrase/);
    },
  );

  it('is not quoted in what is wrong with a command line', async () => {
    const { stderr } = await run(['clone', '--memory', token], { terminal: { env } });
    expect(stderr).toContain('--memory: "[redacted]"');
  });
});

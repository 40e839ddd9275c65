import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { VmPlan } from '../../src/core/plan.ts';
import { readLoginKeys, withRealKeyFiles } from '../../src/ops/login-keys.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';
import { recordOf, web } from '../fixtures/store-bed.ts';

const line = `ssh-ed25519 ${'A'.repeat(68)} me@pc`;

let bed: OperationBed;
let directory: string;
let server: Server | undefined;
let agent: ChildProcess | undefined;

beforeEach(() => {
  bed = createOperationBed();
  directory = bed.host.env.CLONEBOX_HOME ?? '';
});
afterEach(async () => {
  agent?.kill();
  agent = undefined;
  server?.closeAllConnections();
  await new Promise((done) => (server === undefined ? done(0) : server.close(done)));
  server = undefined;
  bed.remove();
});

const at = (name: string) => join(directory, name);
const planWith = (keys: readonly string[]): VmPlan => ({
  ...recordOf(web).plan,
  auth: { method: 'ssh_key', keys },
});
const read = (keys: readonly string[], env: Record<string, string> = {}) => {
  // The bed has no PATH: programs are those of this process.
  const require = async (program: string) => program;
  const host = { env: { ...bed.host.env, ...env }, require };
  return readLoginKeys(bed.context({ host }), planWith(keys));
};

describe('keys that are written out', () => {
  it('are as they are, each once', async () => {
    expect(await read([line, line])).toEqual([line]);
  });
});

describe('keys of a file', () => {
  it('are its lines', async () => {
    writeFileSync(at('team.pub'), `# the team\n${line}\n${line} too\n`);
    expect(await read([at('team.pub')])).toEqual([line, `${line} too`]);
  });

  it('are not those of a private key, which is not repeated', async () => {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at('id')]);
    const refused = read([at('id')]);
    await expect(refused).rejects.toMatchObject({ code: 'refused' });
    await expect(refused).rejects.toThrow(/id holds a private key$/);
    expect(await read([at('id.pub')])).toEqual([readFileSync(at('id.pub'), 'utf8').trim()]);
  });

  it.each<[string, () => void, string]>([
    ['nothing', () => {}, 'not-found'],
    ['a directory', () => mkdirSync(at('x')), 'config-invalid'],
    ['a pipe', () => execFileSync('mkfifo', [at('x')]), 'config-invalid'],
    ['another file', () => writeFileSync(at('x'), 'root:x:0:0\n'), 'config-invalid'],
    ['a giant', () => writeFileSync(at('x'), `${line}\n`.repeat(10_000)), 'config-invalid'],
  ])('are not had from %s', async (_, make, code) => {
    make();
    await expect(read([at('x')])).rejects.toMatchObject({ code });
  });

  it('are found by the real path, and not read where that has become a link since', async () => {
    writeFileSync(at('real.pub'), line);
    symlinkSync(at('real.pub'), at('link.pub'));
    const plan = await withRealKeyFiles(bed.context(), planWith([at('link.pub'), 'github:me']));
    expect(plan.auth.keys).toEqual([at('real.pub'), 'github:me']);

    renameSync(at('real.pub'), at('elsewhere.pub'));
    symlinkSync(at('elsewhere.pub'), at('real.pub'));
    await expect(read([at('real.pub')])).rejects.toMatchObject({ code: 'refused' });
  });

  it('are not read where a directory of the path, or the file, is a link by now', async () => {
    mkdirSync(at('keys'));
    mkdirSync(at('others'));
    writeFileSync(at('others/id.pub'), line);
    symlinkSync(at('others/id.pub'), at('keys/id.pub'));
    symlinkSync(at('others'), at('link'));
    for (const [path, target] of [
      ['keys/id.pub', 'others/id.pub'],
      ['link/id.pub', 'others'],
    ] as const) {
      await expect(read([at(path)])).rejects.toMatchObject({
        code: 'refused',
        message: `${at(path)} has become a link to ${at(target)}`,
      });
    }
  });
});

async function answering(listener: RequestListener): Promise<Record<string, string>> {
  server = createServer(listener);
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return { CLONEBOX_GITHUB_URL: `http://127.0.0.1:${port}` };
}

describe('keys of GitHub', () => {
  it('are what it says of the user', async () => {
    const asked: (string | undefined)[] = [];
    const env = await answering((request, response) => {
      asked.push(request.url);
      response.end(`${line}\n`);
    });
    expect(await read(['github:me-2'], env)).toEqual([line]);
    expect(asked).toEqual(['/me-2.keys']);
  });

  it.each<[string, RequestListener, string, RegExp]>([
    ['no such user', (_, r) => r.writeHead(404).end(), 'not-found', /GitHub has no user me$/],
    ['a failure', (_, r) => r.writeHead(503).end(), 'host-unable', /fetched: status 503$/],
    ['no keys', (_, r) => r.end('\n'), 'config-invalid', /no public key/],
    ['a page', (_, r) => r.end('<html>'), 'config-invalid', /not a list of public keys/],
    ['a hang-up', (_, r) => r.destroy(), 'host-unable', /could not be fetched/],
    [
      'another address',
      (_, r) => r.writeHead(302, { location: '/x.keys' }).end(),
      ...(['host-unable', /could not be fetched/] as const),
    ],
    [
      'words without end',
      (_, r) => {
        const more = () =>
          r.writable && r.write(`${line}\n`.repeat(1000), () => setImmediate(more));
        more();
      },
      ...(['host-unable', /far longer than any list/] as const),
    ],
  ])('fail with %s, and say what to do', async (_, listener, code, message) => {
    const failed = read(['github:me'], await answering(listener));
    await expect(failed).rejects.toMatchObject({ code, hint: expect.stringMatching(/\.pub file/) });
    await expect(failed).rejects.toThrow(message);
  });
});

describe('a GitHub that falls silent in the middle', () => {
  afterEach(() => void vi.useRealTimers());

  it('is not waited for for ever', async () => {
    let begun = () => {};
    const started = new Promise<void>((done) => {
      begun = done;
    });
    const env = await answering((_, response) => {
      response.write(line);
      begun();
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const failed = read(['github:me'], env);
    const told = expect(failed).rejects.toThrow(/could not be fetched: no answer in 20 s$/);
    await started;
    vi.advanceTimersByTime(20_000);
    await told;
  });
});

describe('keys of the agent', () => {
  it('are all that it lists', async () => {
    const socket = at('agent');
    agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    const env = { SSH_AUTH_SOCK: socket };
    await expect
      .poll(() => read(['agent'], env).catch((error: Error) => error.message))
      .toBe('the ssh agent has no keys');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'own', '-f', at('id')]);
    execFileSync('ssh-add', ['-q', at('id')], { env: { ...process.env, ...env } });
    expect(await read(['agent'], env)).toEqual([readFileSync(at('id.pub'), 'utf8').trim()]);
  });

  it.each([
    [{ SSH_AUTH_SOCK: '' }, /SSH_AUTH_SOCK is not set/],
    [{ SSH_AUTH_SOCK: '/nowhere/agent' }, /does not answer/],
  ])('fail where there is none: %j', async (env, message) => {
    const failed = read(['agent'], env);
    await expect(failed).rejects.toMatchObject({ code: 'host-unable' });
    await expect(failed).rejects.toThrow(message);
  });
});

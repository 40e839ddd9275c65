import { basename, dirname, join } from 'node:path';
import { parseKeySource } from '../config/key-source.ts';
import { parsePublicKeys } from '../config/public-key.ts';
import type { Ctx } from '../core/ctx.ts';
import { CloneboxError, reasonOf } from '../core/errors.ts';
import type { VmPlan } from '../core/plan.ts';
import type { TreeFile } from '../core/project-tree.ts';
import { withDeadline } from '../lib/deadline.ts';

/** More than a hundred keys take. */
const mostBytes = 256 * 1024;

/** Milliseconds for asking GitHub, from the first word to the last. */
const fetchTimeout = 20_000;

/** The plan with the files of its keys by their canonical paths, so that a link in the project cannot reach out unseen. */
export async function withRealKeyFiles(ctx: Ctx, plan: VmPlan): Promise<VmPlan> {
  const real = async (key: string) => {
    const source = parseKeySource(key);
    if (source.kind !== 'file') return key;
    const found = await ctx.host.openPlace(source.path, { isFloor: () => false });
    if (found.kind !== 'place') return key;
    await found.parent.close();
    return found.facts === undefined ? key : join(found.parent.path, found.name);
  };
  return { ...plan, auth: { ...plan.auth, keys: await Promise.all(plan.auth.keys.map(real)) } };
}

/**
 * Every public key of a plan that is about to become a VM, read from where it is. Fails with `refused` for a file with a
 * private key or one that has become a link, `config-invalid` for what holds no keys, `not-found` and `host-unable` for
 * what cannot be had. Nothing is made.
 */
export async function readLoginKeys(ctx: Ctx, plan: VmPlan): Promise<string[]> {
  const keys: string[] = [];
  for (const written of plan.auth.keys) {
    const source = parseKeySource(written);
    if (source.kind === 'line') keys.push(source.line);
    else if (source.kind === 'file') keys.push(...(await keysOfFile(ctx, source.path)));
    else if (source.kind === 'github') keys.push(...(await keysOfGitHub(ctx, source.user)));
    else keys.push(...(await keysOfAgent(ctx)));
  }
  return [...new Set(keys)];
}

async function keysOfFile(ctx: Ctx, path: string): Promise<string[]> {
  const read = await readExactly(ctx, path);
  switch (read.kind) {
    case 'file': {
      const text = Buffer.from(read.bytes).toString('utf8');
      return parsed(text, path, 'Name the .pub file beside it.');
    }
    case 'absent':
    case 'dangling':
      throw new CloneboxError('not-found', `there is no file of public keys ${path}`, {
        hint: 'Make it, or take it out of vm.auth.ssh_keys.',
        facts: { path },
      });
    case 'outside':
      throw new CloneboxError('refused', `${path} has become a link to ${read.target}`, {
        hint: 'Look who has put it there, then try again.',
        facts: { path },
      });
    case 'not-a-file':
      throw noKeys(path, `is ${read.facts.kind === 'directory' ? 'a directory' : 'no file'}`);
    case 'too-large':
      throw noKeys(path, 'is far longer than any list of public keys');
  }
}

/** What was looked at, and trusted, was the path without links: no link on it is followed by now. */
async function readExactly({ host }: Ctx, path: string): Promise<TreeFile> {
  const opened = await host.openTree(dirname(path));
  if (opened.kind === 'link') return { ...opened, kind: 'outside', floor: '/' };
  if (opened.kind !== 'tree') return { kind: 'absent' };
  const { tree } = opened;
  const read = await tree.read(basename(path), mostBytes).finally(tree.close);
  if (read.kind !== 'file' || read.path === path) return read;
  // A link that stays in its directory, which the tree has followed.
  return { kind: 'outside', link: path, target: read.path, floor: tree.path };
}

async function keysOfGitHub(ctx: Ctx, user: string): Promise<string[]> {
  const base = ctx.host.env.CLONEBOX_GITHUB_URL || 'https://github.com';
  const url = `${base}/${user}.keys`;
  const hint = 'Try again, write the keys out in vm.auth.ssh_keys, or name a .pub file there.';
  const failed = (why: string, cause?: unknown) =>
    new CloneboxError('host-unable', `the keys of github:${user} could not be fetched: ${why}`, {
      hint,
      facts: { url },
      cause,
    });
  const io = withDeadline(ctx.io, fetchTimeout, () =>
    failed(`no answer in ${fetchTimeout / 1000} s`),
  );
  const explain = (error: unknown): never => {
    io.signal.throwIfAborted();
    throw failed(reasonOf(error), error);
  };
  try {
    const response = await ctx.host.fetch(url, io, { redirect: 'manual' }).catch(explain);
    const text = await bounded(response.body).catch(explain);
    if (response.status === 404) {
      throw new CloneboxError('not-found', `GitHub has no user ${user}`, { hint, facts: { url } });
    }
    if (response.status !== 200) throw failed(`status ${response.status}`);
    return parsed(text, `what ${url} answered`, hint);
  } finally {
    io.dispose();
  }
}

async function bounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostBytes) throw new RangeError('the answer is far longer than any list of keys');
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function keysOfAgent(ctx: Ctx): Promise<string[]> {
  const { host, io } = ctx;
  const hint = 'Start an agent and add a key: ssh-add; or take `agent` out of vm.auth.ssh_keys.';
  const { SSH_AUTH_SOCK } = host.env;
  if (!SSH_AUTH_SOCK) {
    throw new CloneboxError('host-unable', 'no ssh agent is running: SSH_AUTH_SOCK is not set', {
      hint,
    });
  }
  const program = await host.require('ssh-add');
  const result = await host.run([program, '-L'], io, {
    ...{ env: { SSH_AUTH_SOCK }, timeout: 30_000, maxBuffer: mostBytes },
  });
  if (result.exitCode === 0) return parsed(result.stdout, 'what the ssh agent lists', hint);
  const why = result.exitCode === 1 ? 'has no keys' : 'does not answer';
  throw new CloneboxError('host-unable', `the ssh agent ${why}`, { hint });
}

function parsed(text: string, from: string, hint: string): string[] {
  try {
    return parsePublicKeys(text);
  } catch (error) {
    const reason = reasonOf(error);
    const isPrivate = reason.includes('private key');
    throw new CloneboxError(isPrivate ? 'refused' : 'config-invalid', `${from} ${reason}`, {
      hint,
    });
  }
}

function noKeys(path: string, why: string): CloneboxError {
  return new CloneboxError('config-invalid', `${path} ${why}`, {
    hint: 'Name a .pub file in vm.auth.ssh_keys.',
    facts: { path },
  });
}

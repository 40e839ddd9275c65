import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noChoices } from '../../src/config/needs/choices.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { VmPlan } from '../../src/core/plan.ts';
import { plainClone } from '../../src/ops/clone.ts';
import { showConfig, validateConfig } from '../../src/ops/config.ts';
import { detectHere } from '../../src/ops/detect-here.ts';
import { dryRun } from '../../src/ops/dry-run.ts';
import { importImage } from '../../src/ops/image.ts';
import { init } from '../../src/ops/init.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { readLoginKeys } from '../../src/ops/login-keys.ts';
import { migrate } from '../../src/ops/migrate.ts';
import { planSizes } from '../../src/ops/plan-sizes.ts';
import { listProfiles, showProfile } from '../../src/ops/profile.ts';
import { checkSecrets } from '../../src/ops/secrets/check.ts';
import { findProject } from '../../src/ops/target.ts';
import { createOperationBed, type OperationBed } from '../fixtures/operation-bed.ts';

let bed: OperationBed;
let project: string;
let asked: string[];

beforeEach(() => {
  bed = createOperationBed();
  asked = [];
  project = realpathSync(mkdtempSync(path.join(tmpdir(), 'cbp-')));
  mkdirSync(path.join(project, 'data'));
  mkdirSync(path.join(project, '.clonebox/profiles'), { recursive: true });
  write('package.json', '{"scripts":{"start":"node server.js"}}');
  write('data/file', 'x');
  write('.env', 'TOKEN=t');
  write('disk.raw', 'x');
  write('keys.pub', `ssh-ed25519 ${'A'.repeat(68)} me@pc`);
  write('.clonebox/profiles/base.yaml', 'packages: [git]\n');
});
afterEach(() => {
  bed.remove();
  rmSync(project, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(path.join(project, name), text);
const config = (text: string) => write('.clonebox.yaml', text);

/** A command whose every path that is opened by its name is written down, and each that a program is given. */
function command(): Ctx {
  const { host } = bed;
  const { canOpen, connect, lock, run, startDaemon, stream } = host;
  const opening = { canOpen, connect, lock, run, startDaemon, stream };
  return bed.context({ host: { ...watched(opening), files: watched(host.files) } });
}

function watched<T extends object>(actions: T): T {
  const all = Object.entries(actions).map(([name, action]) => [
    name,
    (...args: unknown[]) => {
      asked.push(...textsIn(args));
      return (action as (...all: unknown[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(all) as T;
}

/** Of lists too, and the directory that a program is run in. */
function textsIn(args: readonly unknown[]): string[] {
  return args.flatMap((one) => {
    if (typeof one === 'string') return [one];
    if (Array.isArray(one)) return textsIn(one);
    const { cwd } = (one ?? {}) as { cwd?: unknown };
    return typeof cwd === 'string' ? [cwd] : [];
  });
}

/** The directory itself is listed by its name to tell whether it is a project: `ops/floors.ts`. */
function expectNothingByName(): void {
  expect(asked.filter((one) => one.startsWith(`${project}/`))).toEqual([]);
}

const version1 = "version: '1'\nvm: { name: shop, ram_mb: 1024 }\n";
const input = () => ({ target: project, cwd: '/' });
const trust = { given: true, ask: undefined };
const version2 = `version: '2'
profiles: [base]
vm: { image: ./disk.raw, auth: { ssh_keys: [./keys.pub] } }
shares: [{ host: . }, { host: data, guest: /data, mode: copy }]
secrets: { age: { file: data/file }, items: { TOKEN: {}, OTHER: { provider: age } } }
`;

async function load(ctx: Ctx, choices = noChoices) {
  const target = await findProject(ctx, project, '/');
  return loadPlan(ctx, target, { overrides: {}, choices });
}

it.each<[string, string | undefined, (ctx: Ctx) => Promise<unknown>]>([
  ['config validate', version2, (ctx) => validateConfig(ctx, input())],
  ['config show', version2, (ctx) => showConfig(ctx, input())],
  ['profile list', version2, (ctx) => listProfiles(ctx, input())],
  ['secret check', version2, (ctx) => checkSecrets(ctx, { ...input(), trust })],
  [
    'clone --dry-run',
    version2,
    (ctx) => dryRun(ctx, { ...plainClone, ...input(), trust, run: true, wait: false }),
  ],
  ['the keys of a plan', version2, async (ctx) => readLoginKeys(ctx, (await load(ctx)).plan)],
  ['profile show', version2, (ctx) => showProfile(ctx, { ...input(), name: 'base' })],
  [
    'image import',
    undefined,
    (ctx) => {
      const path = `${project}/disk.raw`;
      const digest = `sha256:${'0'.repeat(64)}`;
      const importing = importImage(ctx, { path, cwd: '/', name: undefined, digest });
      return expect(importing).rejects.toThrow('wrong digest');
    },
  ],
  [
    'config migrate --dry-run',
    version1,
    (ctx) => migrate(ctx, { ...input(), dryRun: true, backup: true }),
  ],
  ['the sizes of a plan', version2, async (ctx) => planSizes(ctx, await showConfig(ctx, input()))],
  ['config migrate', version1, (ctx) => migrate(ctx, { ...input(), dryRun: false, backup: true })],
  ['init', undefined, (ctx) => init(ctx, { ...input(), overrides: {}, choices: noChoices })],
  ['a first plan', undefined, (ctx) => load(ctx, { ...noChoices, detect: true })],
  [
    'detect projects',
    undefined,
    (ctx) =>
      detectHere(ctx, { areas: ['projects'], cwd: project, dedupe: false, deadline: undefined }),
  ],
])('%s opens nothing of a project by its name', async (_, text, run) => {
  if (text !== undefined) config(text);
  await run(command());
  expectNothingByName();
});

it('a shared path is of the wrong type for what opens by name', () => {
  const plan = { project } as VmPlan;
  const files = bed.host.files;
  // @ts-expect-error: it is opened by Host.openTree alone.
  const read = () => files.readText(plan.project ?? '');
  // @ts-expect-error: nor is it listed by its name.
  const list = () => files.list(plan.shares[0]?.host ?? plan.project ?? '');
  expect([read, list]).toHaveLength(2);
});

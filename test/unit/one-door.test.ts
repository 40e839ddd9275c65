import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { noChoices } from '../../src/config/needs/choices.ts';
import type { Ctx } from '../../src/core/ctx.ts';
import type { Host } from '../../src/core/host.ts';
import type { VmPlan } from '../../src/core/plan.ts';
import { showConfig, validateConfig } from '../../src/ops/config.ts';
import { detectHere } from '../../src/ops/detect-here.ts';
import { init } from '../../src/ops/init.ts';
import { loadPlan } from '../../src/ops/load-plan.ts';
import { migrate } from '../../src/ops/migrate.ts';
import { planSizes } from '../../src/ops/plan-sizes.ts';
import { listProfiles } from '../../src/ops/profile.ts';
import { checkSecrets } from '../../src/ops/secrets/check.ts';
import { findTarget } from '../../src/ops/target.ts';
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
  write('.clonebox/profiles/base.yaml', 'packages: [git]\n');
});
afterEach(() => {
  bed.remove();
  rmSync(project, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(path.join(project, name), text);
const config = (text: string) => write('.clonebox.yaml', text);

/** A command whose every path that is opened by its name is written down. */
function command(): Ctx {
  const files = Object.fromEntries(
    Object.entries(bed.host.files).map(([name, action]) => [
      name,
      (...args: unknown[]) => {
        asked.push(...args.filter((one) => typeof one === 'string'));
        return (action as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Host['files'];
  return bed.context({ host: { files } });
}

/** Marks of a project are looked for by name, and not read: nothing is learnt but that there is one. */
const marks = ['.clonebox.yaml', '.git'].map((mark) => `/${mark}`);

function expectNothingByName(): void {
  const below = asked.filter((one) => one.startsWith(`${project}/`));
  expect(below.filter((one) => !marks.some((mark) => one.endsWith(mark)))).toEqual([]);
}

const input = () => ({ target: project, cwd: '/' });
const version2 = `version: '2'
profiles: [base]
shares: [{ host: . }, { host: data, guest: /data, mode: copy }]
secrets: { items: { TOKEN: {} } }
`;

it.each<[string, string | undefined, (ctx: Ctx) => Promise<unknown>]>([
  ['config validate', version2, (ctx) => validateConfig(ctx, input())],
  ['config show', version2, (ctx) => showConfig(ctx, input())],
  ['profile list', version2, (ctx) => listProfiles(ctx, input())],
  [
    'secret check',
    version2,
    (ctx) => checkSecrets(ctx, { ...input(), trust: { given: true, ask: undefined } }),
  ],
  ['the sizes of a plan', version2, async (ctx) => planSizes(ctx, await showConfig(ctx, input()))],
  [
    'config migrate',
    "version: '1'\nvm: { name: shop, ram_mb: 1024 }\n",
    (ctx) => migrate(ctx, { ...input(), dryRun: false, backup: true }),
  ],
  ['init', undefined, (ctx) => init(ctx, { ...input(), overrides: {}, choices: noChoices })],
  [
    'a first plan',
    undefined,
    async (ctx) => {
      const target = await findTarget(ctx, project, '/');
      if (target.kind !== 'project') throw new Error('no project');
      return loadPlan(ctx, target, { overrides: {}, choices: { ...noChoices, detect: true } });
    },
  ],
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

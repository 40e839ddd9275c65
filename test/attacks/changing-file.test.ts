import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { createContext } from '../../src/context.ts';
import { CloneboxError } from '../../src/core/errors.ts';
import type { Images } from '../../src/core/image.ts';
import type { Progress } from '../../src/core/io.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { createTrace } from '../../src/core/trace.ts';
import { createHost } from '../../src/host/local.ts';
import { clone, plainClone } from '../../src/ops/clone.ts';
import type { TrustChoice } from '../../src/ops/trust.ts';
import { freshHome } from '../e2e/support/cli.ts';
import { openGround, told } from './support/ground.ts';
import { runHere } from './support/line.ts';
import { race, type Step } from './support/race.ts';

// Finding 6: a guest empties, replaces or removes the project's file between two looks of one command.

const ground = openGround();
const { inside, project } = ground;
const home = freshHome();
const run = (...argv: string[]) => runHere(argv, { home, cwd: project });

beforeEach(() => ground.clear());

/** A version of the file: each of its values says which one it is of. */
const version = (word: 'one' | 'two') => {
  const cpus = word === 'one' ? 3 : 5;
  const filler = '# nothing\n'.repeat(2000);
  return `version: '2'\nvm: { name: ${word}, cpus: ${cpus} }\n${filler}environment: { WHICH: ${word} }\n`;
};

/** What was told is of one version as a whole. */
function expectOne(text: string, counts: Map<string, number>): void {
  const plan = JSON.parse(text) as { name: string; cpus: number; environment: unknown };
  const { name } = plan;
  counts.set(name, (counts.get(name) ?? 0) + 1);
  if (name === 'one') expect(plan).toMatchObject({ cpus: 3, environment: { WHICH: 'one' } });
  else if (name === 'two') expect(plan).toMatchObject({ cpus: 5, environment: { WHICH: 'two' } });
  // Without a file it is named after its directory, and nothing in it is anybody's.
  else expect(plan).toMatchObject({ name: 'project', cpus: 2, environment: {} });
}

const file = inside('.clonebox.yaml');
const spare = inside('spare');

const replaced: Step[] = [
  ['write', spare, version('one')],
  ['rename', spare, file],
  ['wait', 3],
  ['write', spare, version('two')],
  ['rename', spare, file],
  ['wait', 3],
];

describe('a file that changes while it is read', () => {
  it('that is replaced is one version or the other, never a mixture', async () => {
    writeFileSync(file, version('one'));
    const counts = new Map<string, number>();
    await race(
      replaced,
      async () => {
        const result = await run('config', 'show', '--json');
        expect(result.exitCode, told(result)).toBe(0);
        expectOne(result.stdout, counts);
      },
      { tries: 20 },
    );
    expect([...counts.keys()].sort()).toEqual(['one', 'two']);
  });

  it('that comes and goes is there or is not there, for the whole of a command', async () => {
    const counts = new Map<string, number>();
    const steps: Step[] = [['wait', 3], ...replaced.slice(0, 3), ['unlink', file]];
    await race(
      steps,
      async () => {
        const result = await run('config', 'show', '--json');
        expect([0, 4], told(result)).toContain(result.exitCode);
        if (result.exitCode === 0) expectOne(result.stdout, counts);
        const dry = await run('clone', '--dry-run', '--json');
        expect(dry.exitCode, told(dry)).toBe(0);
        const { vm, configFile } = JSON.parse(dry.stdout).plan as {
          vm: { name: string };
          configFile: { state: string };
        };
        expect(vm.name, told(dry)).toBe(configFile.state === 'exists' ? 'one' : 'project');
      },
      { tries: 20 },
    );
  });

  it('that is emptied and written in its place ends no command with a bug', async () => {
    const steps: Step[] = [
      ['write', file, ''],
      ['wait', 1],
      ['write', file, version('one')],
      ['wait', 1],
    ];
    await race(
      steps,
      async () => {
        for (const line of [
          ['config', 'show'],
          ['clone', '--dry-run'],
          ['config', 'validate'],
        ]) {
          const result = await run(...line, '--json');
          expect([0, 3, 5], told(result)).toContain(result.exitCode);
        }
      },
      { tries: 20 },
    );
  });
});

describe('what was shown and confirmed', () => {
  const evil = `version: '2'\nvm: { name: evil }\nshares: [{ host: /srv, guest: /srv, mode: rw }]\n`;
  const comes = () => {
    writeFileSync(spare, evil);
    renameSync(spare, file);
  };

  /** Makes a VM of the project up to where its image would be made; returns what was told of it. */
  async function cloneUntilImage(parts: Partial<Images>, trust: TrustChoice): Promise<string> {
    const said: string[] = [];
    const emit = (event: Progress) => void said.push(JSON.stringify(event));
    const env = { PATH: process.env.PATH, HOME: home, CLONEBOX_HOME: home };
    const host = createHost(env);
    const options = { io: { ...quietIo(), emit }, startedAt: 0, trace: createTrace({}) };
    const known = createContext(options, { host });
    const ensure = async () => {
      throw new CloneboxError('host-unable', 'no image here');
    };
    const images: Images = Object.assign(Object.create(known.images), { ensure, ...parts });
    const ctx = createContext(options, { host, images });
    const input = { ...plainClone, target: project, cwd: '/', run: true, wait: true, trust };
    const failed = await clone(ctx, input).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      code: expect.stringMatching(/^(host-unable|refused|conflict)$/),
    });
    return said.join('\n');
  }

  it('is what is used, when a file comes while an image is looked for', async () => {
    const told = await cloneUntilImage(
      {
        likelyAuto: async () => 'debian:12',
        // Another release than was thought: a draft is made for it.
        resolveAuto: async () => {
          comes();
          return 'debian:13';
        },
      },
      { given: false, ask: undefined },
    );
    expect(told).not.toMatch(/evil|\/srv/);
    expect(told).toContain('project: 2 CPUs');
    expect(readFileSync(file, 'utf8')).toBe(evil);
  });

  it('is what is used, when a file is replaced while the question is open', async () => {
    writeFileSync(
      file,
      `version: '2'\nvm: { name: shown, image: debian:12 }\nnetwork: { host_ports: [5432] }\n`,
    );
    const questions: string[] = [];
    const ask = async (question: string) => {
      questions.push(question);
      comes();
      return true;
    };
    const told = await cloneUntilImage({}, { given: false, ask });
    expect(questions).toEqual([expect.stringContaining('5432')]);
    expect(told).not.toMatch(/evil|\/srv/);
    expect(told).toContain('shown: 2 CPUs');
  });

  it('is what is used, when the file is emptied or gone while the question is open', async () => {
    const text = `version: '2'\nvm: { name: shown, image: debian:12 }\nnetwork: { host_ports: [5432] }\n`;
    for (const act of [() => writeFileSync(file, ''), () => unlinkSync(file)]) {
      writeFileSync(file, text);
      const ask = async () => {
        act();
        return true;
      };
      expect(await cloneUntilImage({}, { given: false, ask })).toContain('shown: 2 CPUs');
    }
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { freshHome } from '../e2e/support/cli.ts';
import { openGround, secret, told } from './support/ground.ts';
import { runHere } from './support/line.ts';
import { race, type Step, swaps } from './support/race.ts';

// Finding 4, as a race: the file is the project's own when it is looked at, and a link when it is read.

const ground = openGround();
const { inside, configure, outside, project } = ground;
const home = freshHome();
const run = (...argv: string[]) => runHere(argv, { home, cwd: project });

beforeEach(() => ground.clear());

/** The file is there at every moment: what is renamed over it is now itself, now a link. */
function replaced(name: string, { own, target }: { own: string; target: string }): Step[] {
  const [spare, link] = [inside('spare'), inside('link')];
  return [
    ['write', spare, own],
    ['rename', spare, inside(name)],
    ['wait', 2],
    ['symlink', target, link],
    ['rename', link, inside(name)],
    ['wait', 2],
  ];
}

const configText = "version: '2'\nvm: { name: trap, cpus: 1 }\n";

describe('while it turns into a link and back', () => {
  it('.env never gives another project’s secret', async () => {
    configure('secrets: { items: { API_TOKEN: { provider: env } } }\n');
    const steps = replaced('.env', { own: 'API_TOKEN=own\n', target: `${outside}/.env` });
    const seen = { own: 0 };
    await race(
      steps,
      async () => {
        const result = await run('secret', 'check', '--trust', '--json');
        expect([0, 10], told(result)).toContain(result.exitCode);
        // Of a secret that was found its size is said.
        const { secrets } = JSON.parse(result.stdout) as { secrets: { size: number | null }[] };
        expect([3, null], told(result)).toContain(secrets[0]?.size);
        if (secrets[0]?.size === 3) seen.own += 1;
      },
      { tries: 20 },
    );
    expect(seen.own).toBeGreaterThan(0);
  });

  it('.clonebox.yaml never shows another project’s values', async () => {
    const steps = replaced('.clonebox.yaml', {
      own: configText,
      target: `${outside}/.clonebox.yaml`,
    });
    const codes = new Set<number>();
    await race(
      steps,
      async () => {
        for (const line of [
          ['config', 'show'],
          ['clone', '--dry-run'],
          ['config', 'validate'],
        ]) {
          const result = await run(...line);
          expect([0, 10], told(result)).toContain(result.exitCode);
          expect(told(result)).not.toContain(secret);
          codes.add(result.exitCode);
        }
      },
      { tries: 20 },
    );
    expect([...codes].sort()).toEqual([0, 10]);
  });

  it('a directory of profiles never shows another project’s', async () => {
    configure('profiles: [x]\n');
    ground.put('.clonebox/profiles/x.yaml', 'environment: { OWN: mine }\n');
    const steps = swaps(inside('.clonebox'), { target: outside, spare: inside('was'), rest: 2 });
    const shown = { own: 0 };
    await race(
      steps,
      async () => {
        const result = await run('config', 'show');
        expect([0, 3, 4, 10], told(result)).toContain(result.exitCode);
        expect(told(result)).not.toContain(secret);
        if (result.exitCode === 0 && result.stdout.includes('mine')) shown.own += 1;
      },
      { tries: 20 },
    );
    expect(shown.own).toBeGreaterThan(0);
  });

  it('a manifest never has another’s say in the plan', async () => {
    const steps = replaced('package.json', {
      own: '{"name":"own","scripts":{"start":"node own.js"}}',
      target: `${outside}/package.json`,
    });
    const seen = { own: 0 };
    await race(
      steps,
      async () => {
        const result = await run('clone', '--dry-run', '--json');
        expect(result.exitCode, told(result)).toBe(0);
        expect(told(result)).not.toContain(secret);
        if (result.stdout.includes('own.js')) seen.own += 1;
      },
      { tries: 20 },
    );
    expect(seen.own).toBeGreaterThan(0);
  });

  it('what -o names never leads out', async () => {
    configure();
    const steps = replaced('out.json', { own: 'own', target: `${outside}/key.txt` });
    await race(
      steps,
      async () => {
        const result = await run('audit', 'export', '-o', 'out.json');
        expect([0, 10], told(result)).toContain(result.exitCode);
        ground.expectUntouched();
      },
      { tries: 20 },
    );
  });

  it('a directory on the way to what -o names never leads out', async () => {
    configure();
    ground.put('out/old', '');
    const steps = swaps(inside('out'), { target: outside, spare: inside('was'), rest: 2 });
    await race(
      steps,
      async () => {
        const result = await run('audit', 'export', '-o', 'out/new');
        expect([0, 4, 10], told(result)).toContain(result.exitCode);
        ground.expectUntouched();
      },
      { tries: 20 },
    );
  });
});

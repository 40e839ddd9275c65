import {
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isCloneboxError } from '../../src/core/errors.ts';
import { findVirtiofsd } from '../../src/drivers/qemu/virtiofs.ts';
import { type Bed, openBed } from '../fixtures/machine-bed.ts';
import { makeScratch } from '../fixtures/tiny-guest.ts';
import { openDirectories } from './support/open-directories.ts';
import { race, type Step, swaps } from './support/race.ts';

// Finding 3: a guest that writes above a shared directory swaps it while another machine with it is started. What QEMU or
// virtiofsd has open in the end is the directory that was shared, or there is no machine. Each share driver opens it in a
// way of its own; the ordinary user's virtiofsd, a third, is in live-shares-user.test.ts.

const probe = await openBed('qemu');
const unable = probe.facts.problems[0]?.what;
const virtiofsd = await findVirtiofsd(probe.host, probe.io);
await probe.close();

const drivers = [
  ['9p', unable],
  ['virtiofs', unable ?? (virtiofsd ? undefined : 'no virtiofsd')],
] as const;

const scratch = realpathSync(makeScratch());
afterAll(() => rmSync(scratch, { recursive: true }));
const at = (...names: string[]) => join(scratch, ...names);

let bed: Bed;
beforeEach(async () => {
  for (const name of ['project/deep/data', 'outside/deep/data', 'outside/data'])
    mkdirSync(at(name), { recursive: true });
  writeFileSync(at('outside/data/key'), 'secret');
  bed = await openBed('qemu');
});
afterEach(async () => {
  await bed.close();
  for (const name of readdirSync(scratch)) rmSync(at(name), { recursive: true });
});

const identity = (path: string) => {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
};

/** What a guest turns, and into what. */
const attacks: readonly (readonly [string, () => Step[]])[] = [
  [
    'the directory itself',
    () =>
      swaps(at('project/deep/data'), {
        ...{ target: at('outside/data'), spare: at('project/deep/was'), rest: 60 },
      }),
  ],
  [
    'a directory above it',
    () =>
      swaps(at('project/deep'), {
        ...{ target: at('outside'), spare: at('project/was'), rest: 60 },
      }),
  ],
];

for (const [driver, why] of drivers) {
  describe.skipIf(why !== undefined)(`by ${driver}${why ? ` (not here: ${why})` : ''}`, () => {
    it.each(attacks)(
      'the directory that is opened is the one that was shared: %s',
      async (_, steps) => {
        const spec = await bed.makeSpec({
          shares: [{ host: at('project/deep/data'), readOnly: false, driver }],
        });
        const [shared, ...never] = [
          ...[at('project/deep/data'), at('outside'), at('outside/data'), at('outside/deep/data')],
        ].map(identity);
        const seen = { started: 0, refused: 0 };
        await race(
          steps(),
          async () => {
            try {
              await bed.driver.start(spec, bed.io);
            } catch (error) {
              if (!isCloneboxError(error)) throw error;
              // `not-found` in a moment in which nothing has the name: there virtiofsd ends by itself.
              const ended = driver === 'virtiofs' ? ['hypervisor-failed'] : [];
              expect(['refused', 'not-found', ...ended], error.message).toContain(error.code);
              if (error.code === 'refused') expect(error.message).toContain(at('project'));
              seen.refused += 1;
              await bed.expectNothingLeft();
              return;
            }
            const open = openDirectories(await bed.processes());
            expect(open).toContain(shared);
            for (const one of never) expect(open).not.toContain(one);
            seen.started += 1;
            await bed.driver.stop(bed.name, bed.io, { grace: 0 });
          },
          { swaps: 20, tries: 8 },
        );
        expect(seen.started).toBeGreaterThan(0);
        expect(seen.refused).toBeGreaterThan(0);
      },
    );

    it('a share that is a link when the machine starts is refused, and named', async () => {
      const spec = await bed.makeSpec({
        shares: [{ host: at('project/deep/data'), readOnly: false, driver }],
      });
      for (const [name, target] of [
        ['project/deep/data', 'outside/data'],
        ['project/deep', 'outside'],
      ] as const) {
        renameSync(at(name), at('was'));
        symlinkSync(at(target), at(name));
        await expect(bed.driver.start(spec, bed.io)).rejects.toMatchObject({
          code: 'refused',
          message: expect.stringContaining(at(name)),
        });
        await bed.expectNothingLeft();
        unlinkSync(at(name));
        renameSync(at('was'), at(name));
      }
    });
  });
}

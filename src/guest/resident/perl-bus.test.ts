import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ResidentBed,
  residentWay,
  startResident,
} from '../../../test/fixtures/resident-bed.ts';
import { type SystemdBus, startSystemdBus } from '../../../test/fixtures/systemd-bus.ts';
import { quietIo } from '../../core/quiet-io.ts';
import { createHost } from '../../host/local.ts';
import { askHelper, type HelperStep } from './client.ts';

const host = createHost();
const io = quietIo();
const why = 'the namespaces in which it runs cannot be made here (unshare, or perl)';

describe.skipIf(residentWay === undefined)(
  `the helper has units restarted (skipped when ${why})`,
  () => {
    let bed: ResidentBed;
    let bus: SystemdBus;
    beforeAll(async () => {
      bed = await startResident();
      const systemd = join(bed.root, 'run/systemd');
      mkdirSync(systemd);
      bus = await startSystemdBus(join(systemd, 'private'), (unit) => {
        if (unit === 'bad.service') return { error: 'Unit bad.service not found.' };
        return { result: unit === 'odd@1.service' ? 'dependency' : 'done' };
      });
    }, 60_000);
    afterAll(async () => {
      await bus?.close();
      await bed?.close();
    });

    const ask = (...steps: HelperStep[]) => askHelper(host, bed.socketPath, { steps, io });
    const failure = (...steps: HelperStep[]) =>
      ask(...steps).then(
        () => undefined,
        (error: { facts: unknown }) => error.facts,
      );

    test('and waits for each of their jobs', async () => {
      await ask(['restart', 'clonebox-run-web.service clonebox-run-b.service']);
      const manager = ['/org/freedesktop/systemd1', 'org.freedesktop.systemd1.Manager'];
      expect(bus.calls).toEqual([
        [...manager, 'RestartUnit', 'clonebox-run-web.service', 'replace'],
        [...manager, 'RestartUnit', 'clonebox-run-b.service', 'replace'],
      ]);
    });

    test('and says what it says of one that it does not know', async () => {
      expect(await failure(['restart', 'web.service bad.service'])).toEqual({
        step: 'restart',
        reason: 'bad.service: Unit bad.service not found.',
      });
    });

    test('and names the one whose job has not ended well', async () => {
      expect(await failure(['restart', 'web.service odd@1.service'])).toEqual({
        step: 'restart',
        reason: 'odd@1.service was not started (dependency): journalctl -u odd@1.service',
      });
    });

    test('and takes nothing for a unit that cannot be one', async () => {
      const before = bus.calls.length;
      for (const names of ['', '-H.service', 'a b; c', 'a  b', '$(x)']) {
        expect(await failure(['restart', names]), names).toEqual({
          step: 'restart',
          reason: 'not names of units',
        });
      }
      expect(bus.calls).toHaveLength(before);
    });

    test('and says so when systemd is not there', async () => {
      await bus.close();
      expect(await failure(['restart', 'web.service'])).toMatchObject({
        reason: expect.stringMatching(/^\/run\/systemd\/private: /),
      });
    });
  },
);

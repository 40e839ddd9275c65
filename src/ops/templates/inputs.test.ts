import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordOf, web } from '../../../test/fixtures/store-bed.ts';
import { parseVmName } from '../../core/name.ts';
import type { VmPlan } from '../../core/plan.ts';
import type { Workstation } from '../../core/setup.ts';
import { templateKey } from '../../core/template.ts';
import { templateInputs } from './inputs.ts';

const image = { digest: 'a'.repeat(64) };
const workstation: Workstation = {
  timeZone: 'Europe/Berlin',
  locale: 'C.UTF-8',
  certificates: [
    { name: 'one', pem: 'ONE' },
    { name: 'two', pem: 'TWO' },
  ],
  proxy: {},
};
const finding = { source: 'file', confidence: 'certain', reason: '' } as const;
const named = (name: string, version?: string) => ({ name, version, finding });

const { plan } = recordOf(web, [], {
  user: { name: 'me', uid: 1000, gid: 1000, shell: '/bin/bash' },
  packages: [named('nginx', '1.22'), named('git')],
  snapPackages: ['hello', 'code'],
  services: ['nginx', 'cron'],
  provision: [{ kind: 'run', run: 'make', as: 'root' }],
  environment: { A: 'one', B: 'two' },
});

const recipe = 'a1b2';

const keyOf = (change: Partial<VmPlan> = {}, own = workstation) =>
  templateKey(templateInputs({ ...plan, ...change }, image, { workstation: own, recipe }));

describe('the template of a plan', () => {
  it('is the same for another name, place, share, port, secret, command of its own, and limit', () => {
    const changes: Partial<VmPlan>[] = [
      { name: parseVmName('other') },
      { project: '/home/me/other', configFile: '/home/me/other/.clonebox.yaml', directory: '/srv' },
      { shares: [{ host: '/home/me/other', guest: '/srv', mode: 'rw' }] },
      { ports: [{ name: 'http', guest: 80, host: 8080 }] },
      { secrets: [{ name: 'KEY' }] as unknown as VmPlan['secrets'] },
      { auth: { method: 'password', keys: ['agent'] }, authorizedKeys: ['ssh-ed25519 AAAA'] },
      { cpus: 8, memory: 2 ** 34, disk: 2 ** 40 },
      { memoryMode: 'shared', templates: { warm: false, pool: 0, resident: ['nginx'] } },
      { egress: 'none', allow: ['example.org'], hostPorts: [5432] },
      { postCommands: ['npm ci'] },
      { run: [{ name: 'web', command: ['node'], cwd: '/', env: {}, port: 80, restart: 'no' }] },
      { image: 'the same by another name' },
    ];
    for (const change of changes) {
      expect(keyOf(change), JSON.stringify(change)).toBe(keyOf());
    }
  });

  it('is another one for other software, another user, another workstation, and another CloneBox', () => {
    const others = [
      keyOf({ packages: [named('git'), named('nginx', '1.23')] }),
      keyOf({ packages: [named('git'), named('nginx')] }),
      keyOf({ snapPackages: ['hello'] }),
      keyOf({ services: [] }),
      keyOf({ provision: [{ kind: 'run', run: 'make all', as: 'root' }] }),
      keyOf({ environment: { A: 'one', B: 'three' } }),
      keyOf({ user: { ...plan.user, uid: 1001 } }),
      keyOf({}, { ...workstation, timeZone: undefined }),
      keyOf({}, { ...workstation, locale: 'de_DE.UTF-8' }),
      keyOf({}, { ...workstation, certificates: [{ name: 'one', pem: 'TWO' }] }),
      templateKey(templateInputs(plan, image, { workstation, recipe: 'a1b3' })),
      templateKey(templateInputs(plan, { digest: 'b'.repeat(64) }, { workstation, recipe })),
    ];
    expect(new Set([keyOf(), ...others]).size).toBe(1 + others.length);
  });

  it('does not know in which order lists were written, but for that of the steps', () => {
    const shuffled = <T>(all: readonly T[]) =>
      fc.shuffledSubarray([...all], { minLength: all.length, maxLength: all.length });
    const change = fc.record({
      packages: shuffled(plan.packages),
      snapPackages: shuffled(plan.snapPackages),
      services: shuffled(plan.services),
      environment: shuffled(Object.entries(plan.environment)).map((all) => Object.fromEntries(all)),
    });
    fc.assert(
      fc.property(change, shuffled(workstation.certificates), (one, certificates) => {
        expect(keyOf(one, { ...workstation, certificates })).toBe(keyOf());
      }),
    );
    const steps: VmPlan['provision'] = [...plan.provision, { kind: 'run', run: 'b', as: 'root' }];
    expect(keyOf({ provision: steps })).not.toBe(keyOf({ provision: steps.toReversed() }));
  });

  it('knows variables only when a step could read them, and writes none of their values down', () => {
    const bare = { provision: [], environment: {} };
    expect(keyOf({ ...bare, environment: { A: 'hidden' } })).toBe(keyOf(bare));
    const file = { kind: 'file', path: '/etc/motd', content: '', mode: 0o644 } as const;
    expect(keyOf({ provision: [file], environment: { A: 'hidden' } })).toBe(
      keyOf({ provision: [file], environment: {} }),
    );
    const text = JSON.stringify(
      templateInputs({ ...plan, environment: { A: 'hidden' } }, image, { workstation, recipe }),
    );
    expect(text).toContain('"A":');
    expect(text).not.toContain('hidden');
  });
});

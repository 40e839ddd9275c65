import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyInputs, inputs } from '../../../test/fixtures/template-inputs.ts';
import { type TemplateInputs, templateKey } from '../../core/template.ts';
import { differences } from './differences.ts';

const [run, file] = inputs.provision as [
  TemplateInputs['provision'][0],
  TemplateInputs['provision'][0],
];

describe('why two templates are not the same', () => {
  it.each<[string, Partial<TemplateInputs>, string]>([
    ['CloneBox', { recipe: 'a1b3' }, 'a1b2 -> a1b3'],
    ['image', { image: 'f'.repeat(64) }, `${inputs.image.slice(0, 12)} -> ffffffffffff`],
    ['packages', { packages: ['git', 'nginx=1.24'] }, '-nginx=1.22 +nginx=1.24'],
    ['snap_packages', { snaps: ['hello'] }, '+hello'],
    ['services', { services: [] }, '-nginx'],
    ['provision', { provision: [run] }, 'step 2: /etc/motd -> none'],
    [
      'provision',
      { provision: [{ kind: 'run', run: 'make all\nrest', as: 'root' }, file] },
      'step 1: make install -> make all',
    ],
    [
      'provision',
      { provision: [{ kind: 'run', run: 'make install', as: 'user' }, file] },
      'step 1: another make install',
    ],
    [
      'environment',
      { environment: { NODE_ENV: 'ffff', TZ: '0000' } },
      '-LANG +TZ another NODE_ENV',
    ],
    ['environment', { environment: { ...inputs.environment, constructor: '00' } }, '+constructor'],
    [
      'user',
      { user: { ...inputs.user, uid: 1001 } },
      'me (1000:1000, /bin/bash) -> me (1001:1000, /bin/bash)',
    ],
    ['time zone', { timeZone: '' }, 'Europe/Berlin -> none'],
    ['locale', { locale: 'de_DE.UTF-8' }, 'C.UTF-8 -> de_DE.UTF-8'],
    ['certificates', { certificates: {} }, '-company-ca'],
  ])('is told of its %s: %j', (what, change, how) => {
    expect(differences(inputs, { ...inputs, ...change })).toEqual([{ what, how }]);
  });

  it('is told whenever their keys differ, and only then', () => {
    fc.assert(
      fc.property(anyInputs, anyInputs, (a, b) => {
        expect(differences(a, b).length > 0).toBe(templateKey(a) !== templateKey(b));
      }),
    );
  });

  it('is told for one change at a time too', () => {
    fc.assert(
      fc.property(
        anyInputs,
        anyInputs,
        fc.constantFrom(...(Object.keys(inputs) as (keyof TemplateInputs)[])),
        (a, b, name) => {
          const changed = { ...a, [name]: b[name] };
          expect(differences(a, changed).length).toBe(
            templateKey(a) === templateKey(changed) ? 0 : 1,
          );
        },
      ),
    );
  });

  it('never shows the value of a variable', () => {
    const told = differences(inputs, {
      ...inputs,
      environment: { NODE_ENV: 'secret', NEW: 'secret' },
    });
    expect(told).toEqual([{ what: 'environment', how: '-LANG +NEW another NODE_ENV' }]);
  });
});

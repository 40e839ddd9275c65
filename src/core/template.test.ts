import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyInputs, inputs, shape } from '../../test/fixtures/template-inputs.ts';
import { shapeKey, templateKey } from './template.ts';

/** The same value, the keys of every object in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).map(([key, part]) => [key, reordered(part)] as const);
  return Object.fromEntries(pairs.toReversed());
}

describe('the key of a template', () => {
  it('is a name of a directory, always the same', () => {
    expect(templateKey(inputs)).toMatch(/^[0-9a-f]{64}$/);
    expect(templateKey(structuredClone(inputs))).toBe(templateKey(inputs));
  });

  it('is another one when anything that shapes the disk is', () => {
    const [, ...rest] = inputs.provision;
    const changed: Partial<typeof inputs>[] = [
      { recipe: 'a1b3' },
      { image: 'f'.repeat(64) },
      { packages: ['git'] },
      { packages: ['git', 'nginx=1.23'] },
      { snaps: ['hello'] },
      { services: [] },
      { provision: [{ kind: 'run', run: 'make install', as: 'user' }, ...rest] },
      { provision: [{ kind: 'run', run: 'make all', as: 'root' }, ...rest] },
      { provision: [...rest, { kind: 'run', run: 'make install', as: 'root' }] },
      { provision: [] },
      { provision: [{ kind: 'file', path: '/etc/motd', content: 'hello', mode: 0o600 }] },
      { provision: [{ kind: 'file', path: '/etc/motd', content: 'hello', mode: 0o644 }] },
      { environment: { NODE_ENV: 'a1b2' } },
      { environment: { NODE_ENV: 'a1b3', LANG: 'c3d4' } },
      { user: { ...inputs.user, name: 'you' } },
      { user: { ...inputs.user, uid: 1001 } },
      { user: { ...inputs.user, gid: 1001 } },
      { user: { ...inputs.user, shell: '/bin/sh' } },
      { timeZone: 'Etc/UTC' },
      { locale: 'de_DE.UTF-8' },
      { certificates: {} },
      { certificates: { 'company-ca': 'e5f7' } },
      // What is said in one place is not what is said in another.
      { packages: [], snaps: inputs.packages },
      { timeZone: inputs.locale, locale: inputs.timeZone },
    ];
    const keys = [{}, ...changed].map((change) => templateKey({ ...inputs, ...change }));
    expect(new Set(keys).size).toBe(1 + changed.length);
  });

  it('does not know in which order the keys of objects were written', () => {
    fc.assert(
      fc.property(anyInputs, (any) => {
        expect(templateKey(reordered(any) as typeof any)).toBe(templateKey(any));
      }),
    );
  });

  it('is the same for equal inputs alone', () => {
    const equal = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
    fc.assert(
      fc.property(anyInputs, anyInputs, (a, b) => {
        expect(templateKey({ ...a, image: b.image }) === templateKey(b)).toBe(
          equal(sortedDeep({ ...a, image: b.image }), sortedDeep(b)),
        );
      }),
    );
  });
});

/** The keys of every object in their order: two that are equal are written alike. */
function sortedDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedDeep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, part]) => [key, sortedDeep(part)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}

describe('the key of a kept memory', () => {
  it('is another one when processors, memory, devices, units or hypervisor are', () => {
    const changed: Partial<typeof shape>[] = [
      { cpus: 1 },
      { memory: 2 * shape.memory },
      { disk: 2 * shape.disk },
      { machine: 'pc-q35-8.0' },
      { layout: 2 },
      { resident: ['nginx'] },
      { hypervisor: 'qemu; 7.2.23; tcg' },
    ];
    const keys = [{}, ...changed].map((change) => shapeKey({ ...shape, ...change }));
    expect(new Set(keys).size).toBe(1 + changed.length);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{16}$/);
  });
});

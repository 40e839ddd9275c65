import { describe, expect, it } from 'vitest';
import { nowhere } from '../origin.ts';
import { orderProfiles } from './order-profiles.ts';
import { parseProfile } from './parse-profile.ts';

/** What becomes of a graph of profiles, `a: 'b c'` for one that extends two. */
function order(graph: Record<string, string>, ...wanted: string[]) {
  const profiles = new Map(
    Object.entries(graph).map(([name, others]) => {
      const text = `description: ${name}\nextends: [${others.split(' ').filter(Boolean).join(', ')}]`;
      return [name, parseProfile(text, { name, from: 'user', file: `${name}.yaml` }).profile];
    }),
  );
  const places = wanted.map((name) => ({ name, place: nowhere('main').at(['profiles']) }));
  const result = orderProfiles(places, { profiles, names: Object.keys(graph) });
  return {
    order: result.order.map(({ source }) => source.name),
    problems: result.problems.map(({ file, line, column, path, message, hint }) =>
      [`${file}:${line}:${column}`, path, message, hint].filter(Boolean).join(' '),
    ),
  };
}

describe('orderProfiles', () => {
  it('puts what a profile extends before it, each once', () => {
    const graph = { base: '', a: 'base', b: 'base a', c: '' };
    expect(order(graph, 'c', 'b', 'a')).toEqual({ order: ['c', 'base', 'a', 'b'], problems: [] });
  });

  it('finds circles, also of one', () => {
    expect(order({ a: 'b', b: 'c', c: 'b', d: 'd' }, 'a', 'd').problems).toEqual([
      'c.yaml:2:11 extends[0] goes in a circle: b -> c -> b',
      'd.yaml:2:11 extends[0] goes in a circle: d -> d',
    ]);
  });

  it('tells every name that is none, where it stands, with the near one', () => {
    expect(order({ node: '', web: 'nod zzz' }, 'web', 'webb').problems).toEqual([
      'web.yaml:2:11 extends[0] is "nod", and there is no such profile did you mean `node`?',
      'web.yaml:2:16 extends[1] is "zzz", and there is no such profile see what there is: clonebox profile list',
      'main:1:1 profiles is "webb", and there is no such profile did you mean `web`?',
    ]);
  });

  it('takes a chain of 16, and not one more', () => {
    const chain = (length: number) =>
      Object.fromEntries(
        Array.from({ length }, (_, index) => [
          `p${index}`,
          index + 1 < length ? `p${index + 1}` : '',
        ]),
      );
    expect(order(chain(16), 'p0')).toMatchObject({ problems: [] });
    expect(order(chain(17), 'p0').problems).toEqual([
      'p15.yaml:2:11 extends[0] is more than 16 profiles deep',
    ]);
  });
});

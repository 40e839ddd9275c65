import fc from 'fast-check';
import { satisfies, validRange } from 'semver';
import { describe, expect, it } from 'vitest';
import { rangeFrom, rangeOf, rangeOfJava, rangeOfPin } from './constraint.ts';

describe('rangeOf', () => {
  it.each([
    ['>=3.9,<3.13', '>=3.9.0 <3.13.0'],
    ['>= 3.9, < 3.13', '>=3.9.0 <3.13.0'],
    ['>=3.9,', '>=3.9.0'],
    ['~=3.10', '>=3.10.0 <4.0.0'],
    ['~=3.10.2', '>=3.10.2 <3.11.0'],
    ['==3.11.*', '>=3.11.0 <3.12.0'],
    ['==3.11', '3.11.0'],
    ['===3.11.4', '3.11.4'],
    ['>3.9', '>=3.9.1'],
    ['<=3.12', '<3.12.1'],
    ['>=2.7, !=3.0.*, !=3.1.*, <4', '>=2.7.0 <3.0.0 || >=3.2.0 <4.0.0'],
    ['!=3.9.1', '<3.9.1 || >=3.9.2'],
    ['>=3.13.0rc1', '>=3.13.0'],
    ['>=3.8.1.dev0', '>=3.8.1'],
    ['*', '*'],
  ])('reads %j of PEP 440 as %s', (written, range) => {
    expect(rangeOf('pep440', written)).toBe(range);
  });

  it.each([
    ['^3.10', '>=3.10.0 <4.0.0'],
    ['~3.10', '>=3.10.0 <3.11.0'],
    ['~3', '>=3.0.0 <4.0.0'],
    ['3.10.*', '>=3.10.0 <3.11.0'],
    ['>=3.9,<4.0', '>=3.9.0 <4.0.0'],
    ['>=3.9 <4.0', '>=3.9.0 <4.0.0'],
    ['~2.7 || ^3.6', '>=2.7.0 <2.8.0 || >=3.6.0 <4.0.0'],
  ])('reads %j of Poetry as %s', (written, range) => {
    expect(rangeOf('poetry', written)).toBe(range);
  });

  it.each([
    ['^8.1', '>=8.1.0 <9.0.0'],
    ['^0.3', '>=0.3.0 <0.4.0'],
    ['>=8.1 <8.4', '>=8.1.0 <8.4.0'],
    ['>= 8.1 < 8.4', '>=8.1.0 <8.4.0'],
    ['8.1.*|8.2.*', '>=8.1.0 <8.3.0'],
    ['~8.1.0 || ~8.3.0', '>=8.1.0 <8.2.0 || >=8.3.0 <8.4.0'],
    ['~8.1', '>=8.1.0 <9.0.0'],
    ['8.0 - 8.2', '>=8.0.0 <8.3.0'],
    ['8.0.0 - 8.2.1', '>=8.0.0 <8.2.2'],
    ['8.*', '>=8.0.0 <9.0.0'],
    ['>=7.4@dev', '>=7.4.0'],
    ['^7.4 || ^8.0', '>=7.4.0 <9.0.0'],
  ])('reads %j of Composer as %s', (written, range) => {
    expect(rangeOf('composer', written)).toBe(range);
  });

  it.each([
    ['~> 3.1', '>=3.1.0 <4.0.0'],
    ['~> 3.1.2', '>=3.1.2 <3.2.0'],
    ['>= 3.0, < 3.4', '>=3.0.0 <3.4.0'],
    ['3.1.4', '3.1.4'],
  ])('reads %j of RubyGems as %s', (written, range) => {
    expect(rangeOf('gem', written)).toBe(range);
  });

  it('reads the words of Elixir', () => {
    expect(rangeOf('elixir', '~> 1.14')).toBe('>=1.14.0 <2.0.0');
    expect(rangeOf('elixir', '>= 1.12.0 and < 1.15.0 or ~> 1.16.1')).toBe(
      '>=1.12.0 <1.15.0 || >=1.16.1 <1.17.0',
    );
  });

  it.each([[''], ['python'], ['>=3.9 or so'], ['1!3.9'], ['>=4,<3'], ['>='], ['>=3'.repeat(100)]])(
    'does not understand %j',
    (written) => {
      expect(rangeOf('pep440', written)).toBeUndefined();
    },
  );

  it('allows just what each of the conditions allows', () => {
    const part = fc.nat({ max: 4 });
    const version = fc.tuple(part, part, part).map((parts) => parts.join('.'));
    const operators = ['>=', '<=', '>', '<', '==', '!='] as const;
    const condition = fc.record({ operator: fc.constantFrom(...operators), version });
    fc.assert(
      fc.property(fc.array(condition, { minLength: 1, maxLength: 6 }), version, (all, one) => {
        const range = rangeOf('pep440', all.map((each) => each.operator + each.version).join(','));
        const allowed = all.every((each) => {
          return each.operator === '!='
            ? one !== each.version
            : satisfies(one, `${each.operator.replace('==', '=')}${each.version}`);
        });
        expect(range !== undefined && satisfies(one, range)).toBe(allowed);
      }),
    );
  });

  it('gives ranges of node-semver or nothing, whatever is written', () => {
    const dialect = fc.constantFrom('pep440', 'poetry', 'composer', 'gem', 'elixir');
    const piece = fc.constantFrom(
      ...['>=', '<', '^', '~', '~>', '!=', '=', '3', '.', '11', '*', 'x', '|', '||', ',', ' ', '-'],
      ...['or', 'and', 'rc1', '@dev', '999999', '0'],
    );
    const written = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(dialect, written, (name, text) => {
        for (const range of [rangeOf(name, text), rangeOfPin(text), rangeOfJava(text)]) {
          expect(range === undefined || validRange(range) !== null).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('rangeOfPin', () => {
  it.each([
    ['3.12.4', '3.12.4'],
    ['3.12', '>=3.12.0 <3.13.0'],
    ['v20', '>=20.0.0 <21.0.0'],
    ['3.13t', '>=3.13.0 <3.14.0'],
    ['1.75.0-x86_64-unknown-linux-gnu', '1.75.0'],
    ['1.15.7-otp-26', '1.15.7'],
    ['26.2.5.1', '26.2.5'],
    ['pypy3.10', undefined],
    ['20240101000000', undefined],
    ['', undefined],
  ])('reads %j as %s', (written, range) => {
    expect(rangeOfPin(written)).toBe(range);
  });
});

describe('rangeFrom', () => {
  it.each([
    ['1.22', '>=1.22.0'],
    ['1.21rc1', '>=1.21.0'],
    ['one', undefined],
  ])('reads %j as %s', (written, range) => {
    expect(rangeFrom(written)).toBe(range);
  });
});

describe('rangeOfJava', () => {
  it.each([
    ['21', '>=21.0.0 <22.0.0'],
    ['17.0', '>=17.0.0 <18.0.0'],
    ['1.8', '>=8.0.0 <9.0.0'],
    ['1.8.0_292', '>=8.0.0 <9.0.0'],
    ['temurin-21.0.1+12', '>=21.0.0 <22.0.0'],
    ['17.0.8-tem', '>=17.0.0 <18.0.0'],
    ['openjdk64-17.0.1', '>=17.0.0 <18.0.0'],
    ['graalvm-community-21.0.2', '>=21.0.0 <22.0.0'],
    ['zulu-8.72.0.17', '>=8.0.0 <9.0.0'],
    ['latest', undefined],
  ])('reads %j as %s', (written, range) => {
    expect(rangeOfJava(written)).toBe(range);
  });
});

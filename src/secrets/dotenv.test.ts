import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inDotenv } from '../../test/fixtures/secret-bed.ts';
import { parseDotenv } from './dotenv.ts';

const parse = (text: string) => Object.fromEntries(parseDotenv(text, '.env'));

describe('a line', () => {
  test.each([
    ['A=b', 'b'],
    ['A=', ''],
    ['A=""', ''],
    ["A=''", ''],
    ['  export A = b c  ', 'b c'],
    ['A=b # c', 'b'],
    ['A= # c', ''],
    ['A=b#c', 'b#c'],
    ['A=#c', '#c'],
    ['A=b=c==', 'b=c=='],
    ["A=it's", "it's"],
    [`A=$HOME \${HOME} $(id) \`id\``, `$HOME \${HOME} $(id) \`id\``],
    [`A="$HOME \${HOME}"`, `$HOME \${HOME}`],
    ['A="b # c" # d', 'b # c'],
    ["A='b\\n\"'", 'b\\n"'],
    ['A="\\n\\r\\t\\"\\\\\\$\\d"', '\n\r\t"\\$\\d'],
    ['A="one\ntwo\n"', 'one\ntwo\n'],
    ["A='one\ntwo'", 'one\ntwo'],
    ['A=b\r', 'b\r'],
    ['A=b\r\n', 'b'],
    ['\ufeffA=b', 'b'],
    ['A=first\nA=b', 'b'],
    ['# A=c\n\n \t\nA=b\n#', 'b'],
  ])('%j', (text, value) => {
    expect(parse(text)).toEqual({ A: value });
  });

  test.each([
    ['A', 1],
    ['A b', 1],
    ['A: b', 1],
    ['=b', 1],
    ['1A=b', 1],
    ['A=b\n\nB="c', 3],
    ["A='b", 1],
    ['A="b" c', 1],
    ['A="b\nc"\n"d', 3],
    ['A="b\\"', 1],
  ])('%j is refused, by its line and without its content', (text, line) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: expect.stringMatching(new RegExp(`^\\.env:${line}: [a-zA-Z' =]+$`)),
      }),
    );
  });
});

const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/);
const texts = fc.string({ unit: 'binary', maxLength: 60 });

test('any value in double quotes comes back, whatever stands around it', () => {
  const variables = fc.dictionary(names, texts, { noNullPrototype: true });
  fc.assert(
    fc.property(variables, fc.boolean(), (given, comment) => {
      const lines = Object.entries(given).map(
        ([name, value]) => `export ${name} = ${inDotenv(value)}${comment ? ' # "' : ''}`,
      );
      expect(new Map(parseDotenv(lines.join('\n'), '.env'))).toEqual(
        new Map(Object.entries(given)),
      );
    }),
  );
});

test('any value without an apostrophe comes back from single quotes', () => {
  const values = texts.filter((text) => !text.includes("'") && !text.includes('\r\n'));
  fc.assert(
    fc.property(names, values, (name, value) => {
      expect(parseDotenv(`${name}='${value}'`, '.env').get(name)).toBe(value);
    }),
  );
});

test('any text at all is read or refused, never anything else', () => {
  const pieces = fc.array(
    fc.constantFrom('A', '=', '"', "'", '\\', '\n', ' ', '#', 'export ', '\0'),
  );
  fc.assert(
    fc.property(
      pieces.map((all) => all.join('')),
      (text) => {
        try {
          parseDotenv(text, '.env');
        } catch (error) {
          expect(error).toMatchObject({ code: 'config-invalid' });
        }
      },
    ),
  );
});

test('a large file takes no long time, whatever is in it', () => {
  const long = 500_000;
  for (const text of [' ', '\t#', '"\\n', '" #', "A='", '\\"', 'A'].map((one) =>
    one.repeat(long),
  )) {
    for (const start of ['A=', 'A="', '']) {
      const before = performance.now();
      try {
        parseDotenv(`${start}${text}`, '.env');
      } catch {
        // Only the time counts.
      }
      expect(performance.now() - before).toBeLessThan(2000);
    }
  }
});

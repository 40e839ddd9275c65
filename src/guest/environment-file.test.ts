import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { environmentLine } from './environment-file.ts';

/** Double quotes as systemd.exec(5) reads them: a backslash before one of `"\\`$` goes, before a newline both go. */
function read(line: string): [string, string] {
  const [, name = '', quoted = ''] = /^(\w+)="([\s\S]*)"$/.exec(line) ?? [];
  return [
    name,
    quoted.replace(/\\([\s\S])/g, (all, one: string) => ('"\\`$'.includes(one) ? one : all)),
  ];
}

describe('a line of an EnvironmentFile', () => {
  it('is read back as the very text', () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((one) => !/[\x00-\x08\x0b-\x1f\x7f]/.test(one));
    fc.assert(
      fc.property(text, (one) => {
        const line = environmentLine('NAME', one) ?? '';
        expect(read(line)).toEqual(['NAME', one]);
        // Nothing ends the quotes early.
        expect(line.slice(6, -1).replace(/\\["\\`$]/g, '')).not.toMatch(/["`$]/);
      }),
      { numRuns: 1000 },
    );
  });

  it.each(['\0', '\r', '\x1b[31m', '\x7f'])('cannot hold %j', (text) => {
    expect(environmentLine('NAME', text)).toBeUndefined();
  });
});

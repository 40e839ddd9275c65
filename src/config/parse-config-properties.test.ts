import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CloneboxError } from '../core/errors.ts';
import { namePattern } from '../core/name.ts';
import { parseConfig } from './parse-config.ts';
import type { Problem } from './problem.ts';

const file = '.clonebox.yaml';

/** The lines of the error that a text gives; empty when it is valid. */
function problemsOf(text: string): string[] {
  try {
    parseConfig(text, file);
    return [];
  } catch (error) {
    if (!(error instanceof CloneboxError)) throw error;
    expect(error.code).toBe('config-invalid');
    return error.message.split('\n');
  }
}

describe('parseConfig, of any text', () => {
  it('takes exactly the names of the grammar', () => {
    const name = fc.oneof(fc.stringMatching(/^[a-z0-9-]{1,70}$/), fc.string({ minLength: 1 }));
    fc.assert(
      fc.property(name, (text) => {
        const problems = problemsOf(`version: 2\nvm: { name: ${JSON.stringify(text)} }`);
        expect(problems.length === 0).toBe(namePattern.test(text));
      }),
    );
  });

  it('never throws anything but config-invalid', () => {
    const yaml = fc.string({
      unit: fc.constantFrom(...'abc:-?[]{},&*!|>\'"%@`# \n\t0.~'.split(''), 'vm:', 'ports:'),
      maxLength: 60,
    });
    fc.assert(
      fc.property(yaml, (text) => {
        expect(problemsOf(text).length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });

  it('gives each problem a place inside the text', () => {
    const key = fc.constantFrom('vm', 'ports', 'run', 'shares', 'packages', 'nonsense', 'version');
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.dictionary(key, value), (data) => {
        const text = JSON.stringify(data, null, 2);
        const lines = text.split('\n');
        try {
          parseConfig(text, file);
        } catch (error) {
          const { problems } = (error as CloneboxError).facts as { problems: Problem[] };
          for (const { line, column } of problems) {
            expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
          }
        }
      }),
    );
  });
});

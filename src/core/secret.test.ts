import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { forgetSecret, redact, redacted } from '../lib/redact.ts';
import { redactDeep } from '../lib/redact-deep.ts';
import { createSecret } from './secret.ts';

describe('a Secret', () => {
  it('says nothing but that it is one, unless it is revealed', () => {
    const value = createSecret('correct "horse" battery');
    const told = [String(value), `${value}`, JSON.stringify([value]), inspect({ value })];
    for (const text of told) {
      expect(text).toContain(redacted);
      expect(text).not.toContain('horse');
    }
    expect(redactDeep({ value })).toEqual({ value: redacted });
    expect(value.reveal()).toBe('correct "horse" battery');
    expect(redact('it is correct "horse" battery')).toBe(`it is ${redacted}`);
    forgetSecret(value.reveal());
  });
});

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

  it('gives its bytes as they are, and has no text when they are none', () => {
    const bytes = Uint8Array.from([0xff, 0x00, 0x0a]);
    expect(createSecret(bytes).bytes()).toEqual(bytes);
    expect(() => createSecret(bytes).reveal()).toThrow(RangeError);
    expect(inspect(createSecret(bytes), { depth: 9 })).toBe(redacted);
    const text = createSecret(new TextEncoder().encode('\ufeffcorrect battery'));
    expect(text.reveal()).toBe('\ufeffcorrect battery');
    expect(createSecret('correct battery').bytes()).toEqual(
      new TextEncoder().encode('correct battery'),
    );
    forgetSecret(text.reveal());
    forgetSecret('correct battery');
  });
});

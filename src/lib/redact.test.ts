import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { shellQuote } from './quote.ts';
import { forgetSecret, redact, redacted, registerSecret } from './redact.ts';
import { redactDeep } from './redact-deep.ts';

const registered: string[] = [];
const register = (value: string) => {
  registered.push(value);
  registerSecret(value);
};
afterEach(() => {
  for (const value of registered.splice(0)) forgetSecret(value);
});

/** Texts that could be secrets, with what quoting and escaping stumble over. The mark's own brackets aside. */
const secret = fc
  .string({ unit: 'binary', minLength: 6, maxLength: 60 })
  .filter((text) => !/[[\]]/.test(text) && !redacted.includes(text) && text.trim().length >= 6);
const around = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !/[[\]]/.test(text));

/** The letters of a base64 text that depend on the value alone, and not on what comes after it. */
const whole = (value: string, base64: string) =>
  base64.slice(0, Math.floor((Buffer.byteLength(value) * 8) / 6));

const forms: Record<string, (value: string) => string> = {
  'as it is': (value) => value,
  'inside JSON': (value) => JSON.stringify({ a: value }).slice(6, -2),
  'inside JSON inside JSON': (value) => JSON.stringify(JSON.stringify(value)).slice(3, -3),
  'quoted for a shell': (value) => shellQuote(value).replace(/^'|'$/g, ''),
  'percent-encoded': (value) => encodeURIComponent(value),
  'percent-encoded in small letters': (value) =>
    encodeURIComponent(value).replace(/%../g, (code) => code.toLowerCase()),
  'in a form': (value) => new URLSearchParams({ a: value }).toString().slice(2),
  'in base64': (value) => whole(value, Buffer.from(value).toString('base64')),
  'in base64 for URLs': (value) => whole(value, Buffer.from(value).toString('base64url')),
};

describe.each(Object.entries(forms))('a registered secret %s', (_, form) => {
  it('is in nothing that is told', () => {
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        let text: string;
        try {
          text = form(value);
        } catch {
          // Half a surrogate pair has no such form.
          return;
        }
        register(value);
        expect(redact(`${before}${text}${after}`)).not.toContain(text);
        forgetSecret(value);
      }),
    );
  });
});

describe('redaction', () => {
  it('leaves nothing of secrets that overlap', () => {
    register('abcdefgh');
    register('efghijkl');
    register('cdef');
    register('abcdefghijklmnop');
    expect(redact('<abcdefghijkl>')).toBe(`<${redacted}>`);
    expect(redact('<abcdefghijklmnop>')).toBe(`<${redacted}>`);
    expect(redact('<abcdefgh> <efghijkl>')).toBe(`<${redacted}> <${redacted}>`);
  });

  it('finds the base64 of a secret between other bytes, as in basic authorization', () => {
    register('correct horse');
    for (const user of ['a', 'ab', 'abc', 'abcd']) {
      const header = Buffer.from(`${user}:correct horse!`).toString('base64');
      expect(redact(`Basic ${header}`)).toContain(redacted);
      expect(Buffer.from(redact(header), 'base64').toString()).not.toContain('horse');
    }
  });

  it('finds the name that would be made of a secret', () => {
    register("It's A `Secret`\\ é");
    expect(redact('for example it-s-a-secret-e, or IT-S')).toBe(`for example ${redacted}, or IT-S`);
  });

  it('takes the lines of a key too', () => {
    register('-----BEGIN KEY-----\nc29tZSBsb25n\nIGtleSBoZXJl\n-----END KEY-----\n');
    expect(redact('read c29tZSBsb25n')).toBe(`read ${redacted}`);
    expect(redact('a -----BEGIN KEY-----')).toBe('a -----BEGIN KEY-----');
  });

  it.each([
    ['http://joe:pa@ss@proxy:3128/x', `http://joe:${redacted}@proxy:3128/x`],
    [
      'see https://:word@host and ftp://a:b@c',
      `see https://:${redacted}@host and ftp://a:${redacted}@c`,
    ],
    ['git clone ssh://git@host:22/x', 'git clone ssh://git@host:22/x'],
    ['http://host:80/a@b', 'http://host:80/a@b'],
    ['env API_TOKEN=abc X=1', `env API_TOKEN=${redacted} X=1`],
    ["db_password='a b' c", `db_password=${redacted} c`],
    [String.raw`{"x":"MY_SECRET=\"a b\""}`, `{"x":"MY_SECRET=${redacted}"}`],
    ['a=b', 'a=b'],
  ])('knows what nobody registered: %s', (text, clean) => {
    expect(redact(text)).toBe(clean);
    expect(redact(clean)).toBe(clean);
  });

  it('leaves words that are too short alone, and the mark itself', () => {
    register('short');
    register('redact');
    expect(redact('short redact [redacted]')).toBe('short redact [redacted]');
  });
});

describe('redaction of data', () => {
  it('hides what a key says is secret, but not that there is none', () => {
    const facts = { apiToken: 'x1', Authorization: 'y', password: '', hasToken: false, port: 1 };
    expect(redactDeep({ ...facts, env: [{ DB_PASSWORD: ['a'] }], secret: null })).toEqual({
      ...{ apiToken: redacted, Authorization: redacted, password: '', hasToken: false, port: 1 },
      ...{ env: [{ DB_PASSWORD: redacted }], secret: null },
    });
  });

  it('is plain data whatever it is given', () => {
    const circle: Record<string, unknown> = { size: 5n, why: new Error('no'), f: () => 1 };
    circle.self = circle;
    circle.when = new Date(0);
    circle.map = new Map([['a', new Set([1])]]);
    circle.bytes = new Uint8Array(3);
    circle.list = [undefined, Number.NaN];
    expect(redactDeep(circle)).toEqual({
      ...{ size: '5', why: 'no', self: '[circular]', when: '1970-01-01T00:00:00.000Z' },
      ...{ map: { a: [1] }, bytes: '[3 bytes]', list: [null, 'NaN'] },
    });
    let deep: unknown = 'end';
    for (let level = 0; level < 50; level += 1) deep = [deep];
    expect(JSON.stringify(redactDeep(deep))).toContain('too deep');
    expect(redactDeep(undefined)).toBeNull();
  });

  it('has no registered secret in it, in keys or values', () => {
    fc.assert(
      fc.property(secret, fc.object({ withDate: true, withBigInt: true }), (value, other) => {
        register(value);
        const text = JSON.stringify(
          redactDeep({ [value]: 1, list: [`a${value}b`, new Error(value)], other }),
        );
        forgetSecret(value);
        expect(text).not.toContain(JSON.stringify(value).slice(1, -1));
        expect(text).not.toContain(value);
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePort, parsePortPair } from './port.ts';

const port = fc.integer({ min: 1, max: 65_535 });

describe('parsePortPair', () => {
  it('reads back every pair and every single port', () => {
    fc.assert(
      fc.property(port, port, (host, guest) => {
        expect(parsePortPair(`${host}:${guest}`)).toEqual({ host, guest });
        expect(parsePortPair(`${guest}`)).toEqual({ host: undefined, guest });
      }),
    );
  });

  it.each([
    '',
    ':',
    '80:',
    ':80',
    '0',
    '0:80',
    '80:0',
    '65536',
    '1:2:3',
    '127.0.0.1:80:80',
    '80-90',
    ' 80',
    '80\n',
    '-1',
    '8e1',
    '0x50',
    '80/tcp',
    '000080',
  ])('refuses %j', (text) => {
    expect(() => parsePortPair(text)).toThrow(RangeError);
  });
});

describe('parsePort', () => {
  it('takes a text exactly when it is a number from 1 to 65535 of at most five digits', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9-]{1,6}$/), (text) => {
        const legal = /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
        let read: number | undefined;
        try {
          read = parsePort(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
        expect(read).toBe(legal ? Number(text) : undefined);
      }),
    );
  });
});

import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/errors.ts';
import type { Io } from '../../src/core/io.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import type { SecretDeps, SecretSource } from '../../src/core/secrets.ts';
import { secretProviders } from '../../src/secrets/registry.ts';

/** A place of secrets of one provider, for one test. */
export interface SecretBed {
  readonly deps: SecretDeps;
  /** As they are written in YAML. */
  readonly options: unknown;
  /** Puts a secret there, as its own tools would. False when such a value cannot be kept there. */
  put(key: string, value: Uint8Array): Promise<boolean>;
  /** Breaks the place, with what was put still in it. Says how the provider must fail. */
  breakDown(): Promise<ErrorCode>;
  /** From now on the place does not answer. Absent where nothing is waited for. */
  stall?(): Promise<void>;
  close(): Promise<void>;
}

const encode = (text: string) => new TextEncoder().encode(text);

/** Values that get lost or changed on the way when somebody is careless. */
const values: Readonly<Record<string, Uint8Array>> = {
  'one word': encode('Kx7-canary-of-the-contract'),
  'a quoted, expandable text': encode(`it's "quoted" $HOME \${HOME} \`id\` %s \\n # no comment`),
  'spaces around it': encode('  between spaces\t'),
  'many lines': encode('-----BEGIN KEY-----\nAbCdEf0123456789\n\nlast line\n-----END KEY-----'),
  'a newline at its end': encode('ends in a newline\n'),
  'carriage returns': encode('first\r\nsecond\rthird'),
  'other alphabets': encode('\ufeffpřílišžluťoučký пароль 秘密 🔑'),
  'words that YAML reads as something else': encode('0x1F'),
  'only digits, many': encode('12345678901234567890'),
  'a zero byte': encode('before\0after'),
  'bytes that are no text': Uint8Array.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28, 0x0a]),
  '1 MiB': encode('0123456789abcdef'.repeat(65_536)),
};

/** What every provider of src/secrets/registry.ts promises. */
export function secretContract(name: string, openBed: () => Promise<SecretBed>): void {
  const provider = secretProviders.find((one) => one.name === name);
  if (provider === undefined) throw new Error(`there is no provider ${name}`);
  let bed: SecretBed;
  beforeEach(async () => {
    bed = await openBed();
  });
  afterEach(() => bed.close());
  const open = (io: Io = quietIo()): Promise<SecretSource> => {
    const options = provider.schema === undefined ? undefined : provider.schema.parse(bed.options);
    return provider.open(options, bed.deps, io);
  };
  const canary = 'Kx7-canary-of-the-contract';

  describe(`the provider ${name}`, () => {
    test('is asked by auto when it has its options', () => {
      const options = provider.schema?.parse(bed.options);
      expect(provider.isConfigured(options, bed.deps.host.env)).toBe(true);
    });

    test.each(Object.entries(values))('brings %s back as it was', async (_, value) => {
      if (!(await bed.put('SECRET_ONE', value))) return;
      const secret = await (await open()).get('SECRET_ONE', quietIo());
      expect(Buffer.from(secret?.bytes() ?? []).equals(value)).toBe(true);
    });

    test('can keep at least a word, a text that looks like code, and a key of many lines', async () => {
      for (const value of ['one word', 'a quoted, expandable text', 'many lines']) {
        expect(await bed.put('SECRET_ONE', values[value] as Uint8Array)).toBe(true);
      }
    });

    test('tells secrets apart, and answers undefined for one that is not there', async () => {
      await bed.put('SECRET_ONE', encode(canary));
      await bed.put('SECRET_TWO', encode(`another-${canary}`));
      const source = await open();
      expect((await source.get('SECRET_TWO', quietIo()))?.reveal()).toBe(`another-${canary}`);
      expect((await source.get('SECRET_ONE', quietIo()))?.reveal()).toBe(canary);
      expect(await missing(name, source)).toBe(true);
    });

    test('that fails throws: nobody takes it for a missing secret', async () => {
      await bed.put('SECRET_ONE', encode(canary));
      const code = await bed.breakDown();
      await expect(open().then((source) => source.get('SECRET_ONE', quietIo()))).rejects.toThrow(
        expect.objectContaining({ code }),
      );
    });

    test('tells no value, whether it finds it or fails', async () => {
      await bed.put('SECRET_ONE', encode(canary));
      const told: unknown[] = [];
      const io = listened(told);
      const source = await open(io);
      await source.get('SECRET_ONE', io);
      told.push(source.where, source);
      await bed.breakDown();
      const error = await open(io)
        .then((again) => again.get('SECRET_ONE', io))
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      told.push(error, (error as Error).stack);
      // Not redacted: it must not be there in the first place.
      expect(inspect(told, { depth: 20, maxStringLength: null })).not.toContain(canary);
    });

    test('stops on Ctrl-C, for its reason', async () => {
      await bed.put('SECRET_ONE', encode(canary));
      const interrupt = new AbortController();
      const io = quietIo(interrupt.signal);
      const source = await open();
      if (bed.stall === undefined) interrupt.abort(new Error('Ctrl-C'));
      else {
        await bed.stall();
        setTimeout(() => interrupt.abort(new Error('Ctrl-C')), 50);
      }
      await expect(source.get('SECRET_ONE', io)).rejects.toThrow('Ctrl-C');
    });
  });
}

/** A command has no way to say that there is none. */
async function missing(name: string, source: SecretSource): Promise<boolean> {
  if (name !== 'command') return (await source.get('SECRET_MISSING', quietIo())) === undefined;
  return source.get('SECRET_MISSING', quietIo()).then(
    () => false,
    () => true,
  );
}

function listened(told: unknown[]): Io {
  const hear = (...words: unknown[]) => void told.push(words);
  const log = { debug: hear, info: hear, warn: hear, error: hear, child: () => log };
  return { ...quietIo(), log, emit: hear };
}

import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import { quietIo } from '../core/quiet-io.ts';
import { createSecret } from '../core/secret.ts';
import type { SecretDeps, SecretOptions, SecretProvider } from '../core/secrets.ts';
import { createHost } from '../host/local.ts';
import { openSecrets } from './open-secrets.ts';

const guestAt = async () => undefined;
const deps: SecretDeps = { host: createHost({ HOME: '/nowhere' }), project: undefined, guestAt };
const io = quietIo();
const down = new CloneboxError('host-unable', 'the vault is sealed');

interface Kept {
  readonly place: string;
  readonly values?: Record<string, string | Uint8Array>;
  readonly fails?: Error;
}

/** A provider that keeps what its options say, and how often it was opened and asked. */
function provider(name: string, rest: Partial<SecretProvider> = {}) {
  const seen = { opened: 0, asked: 0 };
  const made: SecretProvider = {
    name,
    summary: name,
    schema: z.custom(() => true),
    isConfigured: (options) => options !== undefined,
    open: async (options) => {
      seen.opened += 1;
      const { place, values = {}, fails } = options as Kept;
      await Promise.resolve();
      return {
        where: place,
        get: async (key) => {
          seen.asked += 1;
          if (fails) throw fails;
          const value = values[key];
          return value === undefined ? undefined : createSecret(value);
        },
      };
    },
    ...rest,
  };
  return Object.assign(made, { seen });
}

const [first, second, third] = [provider('first'), provider('second'), provider('third')];
const project = (options: Record<string, Kept>): SecretOptions => ({ project: options, own: {} });
const open = (options: SecretOptions, providers = [first, second, third]) =>
  openSecrets(options, deps, providers);
const auto = { name: 'API_TOKEN', provider: 'auto', key: 'TOKEN' };

describe('auto', () => {
  test('asks the configured ones in order, and takes what it finds first', async () => {
    const secrets = open(
      project({ third: { place: '3', values: { TOKEN: 'of the third' } }, first: { place: '1' } }),
    );
    expect((await secrets.resolve(auto, io)).secret.reveal()).toBe('of the third');
    expect(second.seen.opened).toBe(0);
  });

  test('stops where a provider fails: its secret may be there', async () => {
    const secrets = open(
      project({
        first: { place: '1', fails: down },
        second: { place: '2', values: { TOKEN: 'x' } },
      }),
    );
    await expect(secrets.resolve(auto, io)).rejects.toBe(down);
  });

  test('that finds it nowhere is refused, with every place in order and what to do', async () => {
    const secrets = open(project({ second: { place: 'the vault' }, first: { place: 'the safe' } }));
    await expect(secrets.resolve(auto, io)).rejects.toMatchObject({
      code: 'refused',
      exitCode: 10,
      message: 'the secret API_TOKEN was found nowhere: no TOKEN in the safe, then the vault',
      hint: 'Give TOKEN a line in .clonebox.env (chmod 600), or name its right key or provider at secrets.items.API_TOKEN.',
      facts: {
        name: 'API_TOKEN',
        provider: 'auto',
        key: 'TOKEN',
        asked: ['the safe', 'the vault'],
      },
    });
  });

  test('has what the environment has, without any configuration', async () => {
    const host = createHost({ HOME: '/nowhere', TOKEN: 'of the environment' });
    const secrets = openSecrets({ project: {}, own: {} }, { host, project: undefined, guestAt });
    expect((await secrets.resolve(auto, io)).secret.reveal()).toBe('of the environment');
  });
});

describe('a named provider', () => {
  test('is the only one asked', async () => {
    const secrets = open(
      project({ first: { place: '1', values: { TOKEN: 'x' } }, second: { place: 'the vault' } }),
    );
    await expect(secrets.resolve({ ...auto, provider: 'second' }, io)).rejects.toMatchObject({
      code: 'refused',
      message: 'the secret API_TOKEN was found nowhere: no TOKEN in the vault',
      hint: 'Name its right key or provider at secrets.items.API_TOKEN.',
    });
  });

  test('that there is not is an error with the near one', async () => {
    await expect(
      open(project({})).resolve({ ...auto, provider: 'secnod' }, io),
    ).rejects.toMatchObject({ code: 'config-invalid', hint: 'Did you mean second?' });
  });

  test('without a part in the configuration has its defaults, or is an error', async () => {
    const needy = provider('needy', { schema: z.strictObject({ place: z.string() }) });
    const easy = provider('easy', {
      schema: z.strictObject({ place: z.string().default('its usual place') }),
    });
    const secrets = open(project({}), [needy, easy]);
    await expect(secrets.resolve({ ...auto, provider: 'needy' }, io)).rejects.toMatchObject({
      code: 'config-invalid',
    });
    await expect(secrets.resolve({ ...auto, provider: 'easy' }, io)).rejects.toThrow(
      'no TOKEN in its usual place',
    );
  });
});

describe("the user's own configuration", () => {
  test("wins over the project's, provider by provider", async () => {
    const secrets = open({
      project: { first: { place: '1', values: { TOKEN: "the project's" } } },
      own: { first: { place: '1', values: { TOKEN: "the user's" } } },
    });
    expect((await secrets.resolve(auto, io)).secret.reveal()).toBe("the user's");
  });

  test('is the only one that is heard about what runs a program', async () => {
    const own = provider('own', { ownOnly: true, schema: z.strictObject({}) });
    const secrets = open(project({ own: { place: 'a program', values: { TOKEN: 'x' } } }), [own]);
    await expect(secrets.resolve({ ...auto, provider: 'own' }, io)).rejects.toMatchObject({
      code: 'config-invalid',
      hint: expect.stringContaining('your own configuration'),
    });
    await expect(secrets.resolve(auto, io)).rejects.toMatchObject({ code: 'refused' });
    expect(own.seen.opened).toBe(0);
  });
});

describe('a provider', () => {
  test('is opened once, however many ask at the same time', async () => {
    const one = provider('one');
    const secrets = open(project({ one: { place: '1', values: { A: 'a', B: 'b' } } }), [one]);
    await Promise.all(['A', 'B', 'A'].map((key) => secrets.resolve({ ...auto, key }, io)));
    expect(one.seen).toEqual({ opened: 1, asked: 3 });
  });

  test('that cannot be opened is not tried again for the next secret', async () => {
    let tries = 0;
    const one = provider('one', {
      open: async () => {
        tries += 1;
        throw down;
      },
    });
    const secrets = open(project({ one: { place: '1' } }), [one]);
    await expect(secrets.resolve(auto, io)).rejects.toBe(down);
    await expect(secrets.resolve(auto, io)).rejects.toBe(down);
    expect(tries).toBe(1);
  });

  test('is not opened before a secret is asked for, nor after a Ctrl-C', async () => {
    const one = provider('one');
    const secrets = open(project({ one: { place: '1' } }), [one]);
    const interrupted = quietIo(AbortSignal.abort(new Error('Ctrl-C')));
    await expect(secrets.resolve(auto, interrupted)).rejects.toThrow('Ctrl-C');
    expect(one.seen.opened).toBe(0);
  });
});

describe('a value', () => {
  const of = (value: string | Uint8Array) =>
    open(project({ first: { place: 'the safe', values: { TOKEN: value } } })).resolve(auto, io);

  test('that is empty is refused: it is there, and nearly always a slip', async () => {
    await expect(of('')).rejects.toMatchObject({
      code: 'refused',
      message: 'the secret API_TOKEN is empty: TOKEN in the safe',
    });
  });

  test('has 1 MiB at most', async () => {
    const most = new Uint8Array(1024 * 1024).fill(0xff);
    expect((await of(most)).secret.bytes().length).toBe(most.length);
    await expect(of(new Uint8Array(1024 * 1024 + 1).fill(0xff))).rejects.toMatchObject({
      code: 'refused',
      message: 'the secret API_TOKEN is larger than 1 MiB: TOKEN in the safe',
    });
  });
});

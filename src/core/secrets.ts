import type * as z from 'zod';
import type { Host } from './host.ts';
import type { Io } from './io.ts';
import type { ProjectDoor } from './project-tree.ts';
import type { Secret } from './secret.ts';

/** What a provider works with. */
export interface SecretDeps {
  readonly host: Host;
  /** Its `.env` files and its encrypted files are read beneath it; `undefined` where there is no project. */
  readonly project: ProjectDoor | undefined;
  /** The VM whose guest answers at a port of this host's loopback. */
  guestAt(port: number): Promise<string | undefined>;
}

/** A provider that is ready to be asked. */
export interface SecretSource {
  /** Where it looks, in words for people: `the file .env`, `Vault at https://vault.example.org, mount secret`. */
  readonly where: string;
  /**
   * The secret of this key, or `undefined` when there is none: that is the only meaning of `undefined`. A provider that
   * fails throws: `host-unable` when it cannot be reached, `refused` when it says no (a token that has expired, a key
   * file that others may read), `deadline` when it is too slow, `config-invalid` when what it was told cannot be.
   */
  get(key: string, io: Io): Promise<Secret | undefined>;
}

/** One way to keep secrets. Adding one: `src/secrets/NAME.ts` and a line in `src/secrets/registry.ts`. */
export interface SecretProvider<Options = unknown> {
  readonly name: string;
  readonly summary: string;
  /** Of its part of the configuration: `secrets.vault`. `undefined` where it has none. */
  readonly schema: z.ZodType<Options> | undefined;
  /** True when `auto` asks it too. `options` is `undefined` when the configuration has no part for it. */
  isConfigured(options: Options | undefined, env: Host['env']): boolean;
  /** What options are for whoever has to confirm them, by their paths (`approle.role_id`); others are told by these. */
  readonly optionNames?: Readonly<Record<string, string>>;
  /** Only ever from the user's own configuration, never a project's: it runs a program on this computer. */
  readonly ownOnly?: boolean;
  /** Makes it ready, without asking it for anything yet. Fails as `get` does. */
  open(options: Options, deps: SecretDeps, io: Io): Promise<SecretSource>;
}

/** A secret that a project asks for: where it is and where it goes. Never a value. */
export interface PlannedSecret {
  /** In the guest it is the file /run/clonebox/secrets/NAME. */
  readonly name: string;
  /** The name of a provider, or `auto`: the configured ones in order. */
  readonly provider: string;
  readonly key: string;
  /** Another place in the guest than the usual one; below /run, so that it never is on a disk. */
  readonly path: string | undefined;
  readonly mode: number;
  /** A user of the guest. */
  readonly owner: string;
  /** The `run` unit or service that gets it in its environment, under its name. */
  readonly service: string | undefined;
}

/** What a secret is found by. */
export type SecretReference = Pick<PlannedSecret, 'name' | 'provider' | 'key'>;

/** The options of providers, by their names, each parsed by the provider's schema. */
export interface SecretOptions {
  /** Of the project's file and its profiles. */
  readonly project: Readonly<Record<string, unknown>>;
  /** Of the user's own configuration: a provider that is in both is opened with these alone. */
  readonly own: Readonly<Record<string, unknown>>;
}

/** Finds secrets by their references. Each provider is opened at its first use, and once. */
export interface SecretResolver {
  /**
   * The secret of a reference. Fails with `refused` when no place has it, or when it is empty or too large, and as
   * `SecretSource.get` when a provider that was asked has failed: the ones after it are not asked then.
   */
  resolve(reference: SecretReference, io: Io): Promise<FoundSecret>;
}

export interface FoundSecret {
  readonly secret: Secret;
  /** The provider that had it, and where it looks. */
  readonly provider: string;
  readonly where: string;
}

/** A secret on its way into a guest. */
export interface SecretValue {
  readonly planned: PlannedSecret;
  readonly value: Secret;
}

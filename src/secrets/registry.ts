import type { SecretProvider } from '../core/secrets.ts';
import { type AgeOptions, ageOptionNames, ageOptions } from './age-options.ts';
import { type CommandOptions, commandOptions } from './command-options.ts';
import { type SopsOptions, sopsOptionNames, sopsOptions } from './sops-options.ts';
import { type VaultOptions, vaultOptionNames, vaultOptions } from './vault-options.ts';

// src/config reads names and schemas from here: what a provider is made of is loaded when it is opened.

const env: SecretProvider<undefined> = {
  name: 'env',
  summary: "environment variables, then the project's .clonebox.env, then its .env",
  schema: undefined,
  isConfigured: () => true,
  open: async (_, deps) => (await import('./env.ts')).openEnv(deps),
};

const vault: SecretProvider<VaultOptions> = {
  name: 'vault',
  summary: 'HashiCorp Vault, key-value engine 1 or 2',
  schema: vaultOptions,
  // A project may offer Vault to those who have one.
  isConfigured: (options, env) => Boolean(options && (options.address ?? env.VAULT_ADDR)),
  optionNames: vaultOptionNames,
  open: async (options, deps) => (await import('./vault.ts')).openVault(options, deps),
};

const sops: SecretProvider<SopsOptions> = {
  name: 'sops',
  summary: 'a file encrypted by SOPS',
  schema: sopsOptions,
  isConfigured: (options) => options !== undefined,
  optionNames: sopsOptionNames,
  open: async (options, deps) => (await import('./sops.ts')).openSops(options, deps),
};

const age: SecretProvider<AgeOptions> = {
  name: 'age',
  summary: 'lines of NAME=VALUE in a file encrypted by age',
  schema: ageOptions,
  isConfigured: (options) => options !== undefined,
  optionNames: ageOptionNames,
  open: async (options, deps) => (await import('./age.ts')).openAge(options, deps),
};

const command: SecretProvider<CommandOptions> = {
  name: 'command',
  summary: 'what a program of yours says, such as a password manager',
  schema: commandOptions,
  isConfigured: (options) => options !== undefined,
  ownOnly: true,
  open: async (options, deps) => (await import('./command.ts')).openCommand(options, deps),
};

/** Every provider there is, in the order in which `auto` asks those that are configured. */
export const secretProviders: readonly SecretProvider[] = [env, vault, sops, age, command];

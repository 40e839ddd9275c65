import type { SecretProvider } from '../core/secrets.ts';

// src/config reads names and schemas from here: what a provider is made of is loaded when it is opened.

const env: SecretProvider<undefined> = {
  name: 'env',
  summary: "environment variables, then the project's .clonebox.env, then its .env",
  schema: undefined,
  isConfigured: () => true,
  open: async (_, deps) => (await import('./env.ts')).openEnv(deps),
};

/** Every provider there is, in the order in which `auto` asks those that are configured. */
export const secretProviders: readonly SecretProvider[] = [env];

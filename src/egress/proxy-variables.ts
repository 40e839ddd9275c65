import type { Host } from '../core/host.ts';

/** How this computer itself gets out: of the user's variables only these, which only the user can read there. */
export function proxyVariables(env: Host['env']): Record<string, string> {
  const names = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'];
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && names.includes(name.toLowerCase()) ? [[name, value]] : [],
    ),
  );
}

import type { ProcessRef } from './process.ts';

/** Where the guest finds the proxy that lets it out to the hosts of `network.allow`: a port of its own loopback. */
export const egressPort = 3128;

const proxy = `http://127.0.0.1:${egressPort}`;

/** The variables that lead a guest's programs to that proxy, in lower case. */
export const egressProxy: Readonly<Record<string, string>> = {
  http_proxy: proxy,
  https_proxy: proxy,
  no_proxy: 'localhost,127.0.0.1,::1',
};

/** The same in both of the spellings that programs look for. */
export const egressVariables: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(egressProxy).flatMap(([name, value]) => [
    [name, value],
    [name.toUpperCase(), value],
  ]),
);

/** The files of the proxy in the runtime directory of its VM. */
export function egressFiles(runtime: string) {
  return {
    socket: `${runtime}/egress`,
    settings: `${runtime}/egress.json`,
    log: `${runtime}/egress.log`,
  };
}

/** What the proxy of one VM is told. */
export interface EgressSettings {
  /** Entries of `network.allow`. */
  readonly allow: readonly string[];
  /** The machine: the proxy ends with it. */
  readonly machine: ProcessRef;
}

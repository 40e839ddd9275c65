import { quoted } from '../lib/printable.ts';

/** A port of the guest, and the one of the host before it when one is asked for. */
export interface PortPair {
  readonly host: number | undefined;
  readonly guest: number;
}

/** Reads `8080:80` (host:guest) or `80` (guest). Throws a `RangeError` for anything else. */
export function parsePortPair(text: string): PortPair {
  const match = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(text);
  if (!match?.[2]) {
    throw new RangeError(`${quoted(text)} is not HOST:GUEST or GUEST, for example 8080:80`);
  }
  return {
    host: match[1] === undefined ? undefined : parsePort(match[1]),
    guest: parsePort(match[2]),
  };
}

/** Reads one TCP port. Throws a `RangeError` for anything else. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new RangeError(`${quoted(text)} is not a port: 1 to 65535`);
}

/** What two entries of a list of ports must not share, as words for a message. */
export function portKeys(text: string): string[] {
  try {
    const { host, guest } = parsePortPair(text);
    return [`guest port ${guest}`, ...(host === undefined ? [] : [`host port ${host}`])];
  } catch {
    return [];
  }
}

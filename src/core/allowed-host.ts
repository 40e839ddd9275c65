import { quoted } from '../lib/printable.ts';

/** A place on the network: a name or an address in its one canonical form, and a port. */
export interface Target {
  /** Lower case, without a final dot; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/** An entry of `network.allow`: one host, or with `subdomains` all that are below it. */
export interface AllowedHost {
  readonly host: string;
  readonly subdomains: boolean;
  /** Without one: 80 and 443. */
  readonly port: number | undefined;
}

const webPorts = [80, 443];

/** RFC 1123, and the underscores that are out there. */
const namePattern =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** Reads `HOST`, `*.HOST`, `HOST:PORT`, `[IPV6]:PORT`. Throws a `RangeError` for anything else. */
export function parseAllowedHost(text: string): AllowedHost {
  const [, star, written = '', digits] =
    /^(\*\.)?(\[[^\]]*\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = canonicalHost(written);
  const port = digits === undefined ? undefined : Number(digits);
  if (text === '*') throw new RangeError('is every host: that is `egress: full`');
  if (host === undefined || port === 0 || (port ?? 1) > 65_535) {
    throw new RangeError(
      `${quoted(text)} is not a host: write for example example.org, *.example.org or example.org:8443`,
    );
  }
  if (host === 'localhost' || host.endsWith('.localhost'))
    throw new RangeError('is this host itself: use network.host_ports');
  if (isAddress(host)) {
    if (star) throw new RangeError(`${quoted(text)}: an address has no subdomains`);
    if (host !== written.replace(/^\[|\]$/g, '').toLowerCase())
      throw new RangeError(`${quoted(text)}: write the address as ${host}`);
  }
  return { host, subdomains: star !== undefined, port };
}

/** An entry as it is written, in its one form. */
export function formatAllowedHost({ host, subdomains, port }: AllowedHost): string {
  const shown = `${subdomains ? '*.' : ''}${host.includes(':') ? `[${host}]` : host}`;
  return port === undefined ? shown : `${shown}:${port}`;
}

/** Reads the `HOST:PORT` of a CONNECT; `undefined` when it is anything else. */
export function parseTarget(authority: string): Target | undefined {
  const [, written = '', digits = ''] = /^(\[[^\]]*\]|[^:[\]]+):(\d{1,5})$/.exec(authority) ?? [];
  const host = canonicalHost(written);
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** `HOST:PORT` again. */
export function formatTarget({ host, port }: Target): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * The one form of a host: `EXAMPLE.org.` is `example.org`, and `0x7f.1` the address that every resolver takes it for.
 * `undefined` for what is no host.
 */
export function canonicalHost(written: string): string | undefined {
  if (/[\s/@?#\\%]/.test(written)) return undefined;
  const url = `http://${written}/`;
  if (written === '' || !URL.canParse(url)) return undefined;
  const host = new URL(url).hostname.replace(/\.$/, '');
  if (host.startsWith('[')) return host.slice(1, -1);
  return namePattern.test(host) ? host : undefined;
}

/** True for an address in canonical form, as against a name. */
export function isAddress(host: string): boolean {
  return host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/** How a list lets a target through: by an entry that is exactly it, by a wildcard, or not. */
export function allowedBy(
  allowed: readonly AllowedHost[],
  target: Target,
): 'itself' | 'wildcard' | undefined {
  const fits = allowed.filter(({ host, subdomains, port }) => {
    if (port === undefined ? !webPorts.includes(target.port) : port !== target.port) return false;
    if (!subdomains) return host === target.host;
    return !isAddress(target.host) && target.host.endsWith(`.${host}`);
  });
  if (fits.length === 0) return undefined;
  return fits.some(({ subdomains }) => !subdomains) ? 'itself' : 'wildcard';
}

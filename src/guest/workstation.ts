import { egressProxy } from '../core/egress.ts';
import type { Host } from '../core/host.ts';
import type { VmPlan } from '../core/plan.ts';
import type { Workstation } from '../core/setup.ts';
import { shellQuote } from '../lib/quote.ts';
import type { GuestFile } from './archive.ts';

/** Where administrators put certificates of their own: Debian, Fedora, Arch, SUSE. */
const certificateDirectories = [
  '/usr/local/share/ca-certificates',
  '/etc/pki/ca-trust/source/anchors',
  '/etc/ca-certificates/trust-source/anchors',
  '/etc/pki/trust/anchors',
];

const proxyVariables = ['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy'] as const;

/** What this workstation's own programs use to reach the world: carried into every guest. */
export async function readWorkstation(host: Host): Promise<Workstation> {
  return {
    timeZone: await readTimeZone(host),
    locale: host.env.LC_ALL || host.env.LANG || undefined,
    certificates: await readCertificates(host),
    proxy: readProxy(host.env),
  };
}

async function readTimeZone(host: Host): Promise<string | undefined> {
  const target = await host.files.realPath('/etc/localtime');
  const zone =
    /\/zoneinfo\/(?:posix\/)?(.+)$/.exec(target ?? '')?.[1] ??
    (await host.files.readText('/etc/timezone'))?.trim();
  return zone !== undefined && /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(zone)
    ? zone
    : undefined;
}

async function readCertificates(host: Host): Promise<{ name: string; pem: string }[]> {
  const found: { name: string; pem: string }[] = [];
  for (const directory of certificateDirectories) {
    for (const file of await host.files.list(directory)) {
      if (!/\.(crt|pem)$/.test(file)) continue;
      const pem = await host.files.readText(`${directory}/${file}`);
      if (pem?.includes('-----BEGIN CERTIFICATE-----') && pem.length < 1024 * 1024) {
        found.push({
          name: file.replace(/\.(crt|pem)$/, '').replace(/[^A-Za-z0-9._-]/g, '_'),
          pem,
        });
      }
    }
  }
  return found;
}

/** A proxy on the host's own loopback cannot be reached from a guest, so it is left out. */
function readProxy(env: Host['env']): Record<string, string> {
  const proxy: Record<string, string> = {};
  for (const name of proxyVariables) {
    const value = env[name] || env[name.toUpperCase()];
    if (value && (name === 'no_proxy' || !isOnLoopback(value))) proxy[name] = value;
  }
  return proxy;
}

function isOnLoopback(proxy: string): boolean {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  const host = URL.canParse(url) ? new URL(url).hostname.toLowerCase() : '';
  return /^(localhost|127(\.\d+){1,3}|0\.0\.0\.0|\[::1?\])$/.test(host);
}

/** True for a locale every Debian guest has without making it. */
function isBuiltIn(locale: string): boolean {
  return /^(C|POSIX)(\.UTF-?8)?$/i.test(locale);
}

/** The guest's locale, when the image brings it; the image builds en_US.UTF-8 and C.UTF-8. */
export function guestLocale(locale: string | undefined): { locale: string; generate: boolean } {
  if (locale === undefined || isBuiltIn(locale)) return { locale: 'C.UTF-8', generate: false };
  if (!/^[a-z]{2,3}_[A-Z]{2}\.UTF-?8$/i.test(locale)) return { locale: 'C.UTF-8', generate: false };
  const [name] = locale.split('.');
  return { locale: `${name}.UTF-8`, generate: name !== 'en_US' };
}

/** The variables of everything in the guest: the workstation's locale and proxies, and over them the plan's own. */
export function guestVariables(
  workstation: Workstation,
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const proxy = Object.entries(workstation.proxy).flatMap(([name, value]) => [
    [name, value],
    [name.toUpperCase(), value],
  ]);
  return {
    LANG: guestLocale(workstation.locale).locale,
    ...Object.fromEntries(proxy),
    ...environment,
  };
}

/**
 * The workstation as its guest sees it once its network is as it stays: behind an allow-list the way out is CloneBox's
 * proxy, and no other.
 */
export function behindEgress(workstation: Workstation, { egress }: VmPlan): Workstation {
  return egress === 'allowlist' ? { ...workstation, proxy: egressProxy } : workstation;
}

/** Where login shells read the variables. Its first line says whether they lead to CloneBox's proxy. */
export const profileFile = '/etc/profile.d/clonebox.sh';
export const egressMark = '# The way out is the proxy of egress: allowlist.\n';
export const aptProxyFile = '/etc/apt/apt.conf.d/90clonebox-proxy';

/** The files that carry variables, and the proxy of apt, which reads none. */
export function variableFiles(
  workstation: Workstation,
  environment: Readonly<Record<string, string>>,
): GuestFile[] {
  const variables = Object.entries(guestVariables(workstation, environment));
  // pam_env(8) reads it for every login. It strips the outer quotes and knows no escapes, so that a value with a
  // newline or `#` cannot be said there: login shells have it from the other file.
  const lines = variables
    .filter(([, value]) => !/[\n#]/.test(value))
    .map(([name, value]) => `${name}="${value}"`);
  const exports = variables.map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  const mark = workstation.proxy === egressProxy ? egressMark : '';
  const apt = ['http', 'https'].flatMap((scheme) => {
    const value = workstation.proxy[`${scheme}_proxy`];
    return value ? [`Acquire::${scheme}::Proxy "${value.replaceAll('"', '')}";`] : [];
  });
  return [
    { path: '/etc/environment', content: `${lines.join('\n')}\n` },
    { path: profileFile, content: `${mark}${exports.join('\n')}\n` },
    ...(apt.length > 0 ? [{ path: aptProxyFile, content: `${apt.join('\n')}\n` }] : []),
  ];
}

/** The files that carry the workstation's facts. */
export function workstationFiles(
  workstation: Workstation,
  environment: Readonly<Record<string, string>>,
): GuestFile[] {
  const files = variableFiles(workstation, environment);
  files.push({
    path: '/etc/default/locale',
    content: `LANG=${guestLocale(workstation.locale).locale}\n`,
  });
  if (workstation.timeZone !== undefined) {
    files.push({ path: '/etc/timezone', content: `${workstation.timeZone}\n` });
    files.push({ path: '/etc/localtime', link: `/usr/share/zoneinfo/${workstation.timeZone}` });
  }
  for (const { name, pem } of workstation.certificates) {
    files.push({ path: `/usr/local/share/ca-certificates/clonebox-${name}.crt`, content: pem });
  }
  return files;
}

/** Lines of shell that make the guest use the files above. */
export function workstationScript({ certificates, locale: wanted }: Workstation): string[] {
  const { generate, locale } = guestLocale(wanted);
  return [
    ...(certificates.length > 0 ? [trustCertificates] : []),
    ...(generate ? [`localedef -i ${locale.split('.')[0]} -f UTF-8 ${locale} || true`] : []),
  ];
}

/**
 * What update-ca-certificates does, for the new certificates alone: by itself it hashes every certificate of the system
 * again, which takes more than a minute in an emulated guest.
 */
const trustCertificates = `for file in /usr/local/share/ca-certificates/clonebox-*.crt; do
  cat "$file" >> /etc/ssl/certs/ca-certificates.crt
  hash=$(openssl x509 -noout -hash -in "$file") || continue
  ln -sf "$file" "/etc/ssl/certs/$(basename "$file" .crt).pem"
  ln -sf "$file" "/etc/ssl/certs/$hash.0"
done`;

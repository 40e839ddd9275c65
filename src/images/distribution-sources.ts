import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import { type AptSource, readAptSources } from './apt-sources.ts';

/** What is known about a distribution that mmdebstrap can build. */
export interface Distribution {
  /** `Origin` in its Release files. */
  readonly origin: string;
  readonly keyring: string;
  readonly keyringPackage: string;
  /** Code names of its releases, and the moving names for them. */
  readonly suites: readonly string[];
}

export const debian: Distribution = {
  origin: 'Debian',
  keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
  keyringPackage: 'debian-archive-keyring',
  suites: ['bullseye', 'bookworm', 'trixie', 'forky', 'sid', 'oldstable', 'stable', 'testing'],
};

const pockets = ['', '-updates', '-security'];

/** The repositories an image is built from. */
export interface ChosenSources {
  /** Lines for `sources.list`. */
  readonly lines: readonly string[];
  /** Keyrings beside the distribution's own that the guest needs, as paths on this machine. */
  readonly keyrings: readonly string[];
}

/**
 * The machine's own repositories of a distribution, turned to one of its releases. A repository counts when its
 * cached Release file has the distribution's `Origin`; where apt has never fetched one, by the names of suite and
 * component. Fails with `host-unable` when there is none: the machine knows no mirror to build from.
 */
export async function chooseSources(
  host: Host,
  options: { distribution: Distribution; codename: string; architecture: string },
): Promise<ChosenSources> {
  const { distribution, codename } = options;
  const all = await readAptSources(host, options.architecture);
  const usable: AptSource[] = [];
  for (const source of all) {
    const resolved = await resolveMirrorFile(host, source);
    if (resolved && (await belongsTo(host, resolved, distribution))) usable.push(resolved);
  }
  const turned = usable.flatMap((source) => turnTo(source, distribution, codename));
  if (!turned.some((source) => source.suite === codename)) {
    throw new CloneboxError(
      'host-unable',
      'this machine has no apt source of Debian to build from',
      {
        hint: 'Add a Debian mirror to /etc/apt/sources.list.d, or use a downloaded image: debian:12',
        facts: { suite: codename, sources: all.map(({ uri, suite }) => `${uri} ${suite}`) },
      },
    );
  }
  return finish(host, turned, distribution);
}

/** `mirror+file:` names a list on this machine; its first mirror is what a guest can use too. */
async function resolveMirrorFile(host: Host, source: AptSource): Promise<AptSource | undefined> {
  if (/^https?:/.test(source.uri)) return source;
  const list = /^mirror\+file:(?:\/\/)?(\/.*)$/.exec(source.uri)?.[1];
  if (list === undefined) return undefined;
  const first = /^\s*(https?:\/\/\S+)/m.exec((await host.files.readText(list)) ?? '')?.[1];
  return first === undefined ? undefined : { ...source, uri: first.replace(/\/+$/, '') };
}

/** The name apt gives a Release file below /var/lib/apt/lists. */
export function listName(uri: string, suite: string): string {
  const place = uri.replace(/^[a-z+]+:\/\//, '').replace(/^[^/]*@/, '');
  return `${place}/dists/${suite}`.replaceAll('_', '%5f').replaceAll('/', '_');
}

async function belongsTo(
  host: Host,
  source: AptSource,
  distribution: Distribution,
): Promise<boolean> {
  for (const kind of ['InRelease', 'Release']) {
    const path = `/var/lib/apt/lists/${listName(source.uri, source.suite)}_${kind}`;
    const release = await host.files.readText(path);
    const origin = release && /^Origin:\s*(.*?)\s*$/m.exec(release)?.[1];
    if (origin !== undefined && origin !== '') return origin === distribution.origin;
  }
  const [base] = splitSuite(source.suite);
  return (
    distribution.suites.includes(base) &&
    source.components.includes('main') &&
    (source.signedBy.length === 0 ||
      source.signedBy.some((key) => key.includes(distribution.keyringPackage)))
  );
}

function splitSuite(suite: string): [base: string, pocket: string] {
  // Debian 10 and earlier: bookworm/updates was the security suite.
  const match = /^([a-z]+)(?:([-/].*))?$/.exec(suite);
  return [match?.[1] ?? suite, match?.[2] ?? ''];
}

/** The same mirror, for the wanted release; backports and proposed updates are left out. */
function turnTo(source: AptSource, distribution: Distribution, codename: string): AptSource[] {
  const [base, pocket] = splitSuite(source.suite);
  if (!distribution.suites.includes(base) || !pockets.includes(pocket)) return [];
  if (!source.components.includes('main')) return [];
  return [{ ...source, suite: `${codename}${pocket}` }];
}

async function finish(
  host: Host,
  sources: readonly AptSource[],
  distribution: Distribution,
): Promise<ChosenSources> {
  const lines = new Set<string>();
  const keyrings = new Set<string>();
  for (const source of sources) {
    const keys = await usableKeys(host, source, distribution);
    for (const key of keys) if (key !== distribution.keyring) keyrings.add(key);
    const options = [...source.options, `signed-by=${keys.join(',')}`].join(' ');
    lines.add(`deb [${options}] ${source.uri} ${source.suite} ${source.components.join(' ')}`);
  }
  return { lines: [...lines], keyrings: [...keyrings] };
}

/** Signed-By as far as it names keyring files that are here, else the distribution's own keyring. */
async function usableKeys(
  host: Host,
  source: AptSource,
  distribution: Distribution,
): Promise<string[]> {
  const keys: string[] = [];
  for (const key of source.signedBy) {
    if (key.startsWith('/') && (await host.files.facts(key)) !== undefined) keys.push(key);
  }
  if (keys.length > 0) return keys;
  if ((await host.files.facts(distribution.keyring)) === undefined) {
    throw new CloneboxError(
      'host-unable',
      `the keys of ${distribution.origin} are not on this machine`,
      {
        hint: `Install them: sudo apt install ${distribution.keyringPackage}`,
        facts: { keyring: distribution.keyring },
      },
    );
  }
  return [distribution.keyring];
}

import * as z from 'zod';
import type { ProjectFile } from './reader.ts';
import { readToml, type table, text, texts } from './structured.ts';
import type { Dependency } from './text.ts';

/** Crates that link a library of the system, and the Debian packages that have it. */
export const rustLibraries = new Map<string, readonly string[]>([
  ['openssl-sys', ['libssl-dev', 'pkg-config']],
  ['pq-sys', ['libpq-dev']],
  ['mysqlclient-sys', ['default-libmysqlclient-dev', 'pkg-config']],
  ['libsqlite3-sys', ['libsqlite3-dev', 'pkg-config']],
  ['alsa-sys', ['libasound2-dev', 'pkg-config']],
  ['libudev-sys', ['libudev-dev', 'pkg-config']],
  ['libdbus-sys', ['libdbus-1-dev', 'pkg-config']],
  ['libpulse-sys', ['libpulse-dev', 'pkg-config']],
  ['libseccomp-sys', ['libseccomp-dev']],
  ['glib-sys', ['libglib2.0-dev', 'pkg-config']],
  ['gtk-sys', ['libgtk-3-dev', 'pkg-config']],
  ['gtk4-sys', ['libgtk-4-dev', 'pkg-config']],
  ['webkit2gtk-sys', ['libwebkit2gtk-4.1-dev', 'pkg-config']],
  ['yeslogic-fontconfig-sys', ['libfontconfig1-dev', 'pkg-config']],
  ['pcap', ['libpcap-dev']],
  ['clang-sys', ['libclang-dev', 'clang']],
  ['aws-lc-sys', ['cmake']],
  ['prost-build', ['protobuf-compiler']],
]);

interface Wrapper {
  readonly links: string;
  /** The feature without which nothing is linked. */
  readonly needs?: string;
  /** The feature that builds the library instead. */
  readonly own?: string;
}

/** Crates that are named in manifests, and what they lead to. */
const wrappers = new Map<string, readonly Wrapper[]>([
  ['openssl', [{ links: 'openssl-sys', own: 'vendored' }]],
  ['native-tls', [{ links: 'openssl-sys', own: 'vendored' }]],
  ['rusqlite', [{ links: 'libsqlite3-sys', own: 'bundled' }]],
  [
    'diesel',
    [
      { links: 'pq-sys', needs: 'postgres' },
      { links: 'mysqlclient-sys', needs: 'mysql' },
      { links: 'libsqlite3-sys', needs: 'sqlite' },
    ],
  ],
  ['alsa', [{ links: 'alsa-sys' }]],
  ['cpal', [{ links: 'alsa-sys' }]],
  ['dbus', [{ links: 'libdbus-sys', own: 'vendored' }]],
  ['gtk', [{ links: 'gtk-sys' }]],
  ['gtk4', [{ links: 'gtk4-sys' }]],
  ['tauri', [{ links: 'webkit2gtk-sys' }, { links: 'gtk-sys' }]],
  ['bindgen', [{ links: 'clang-sys' }]],
  ['tonic-build', [{ links: 'prost-build' }]],
]);

/** What a crate depends on when it builds its library itself: that one's source, or a compiler. */
const builders = new Map([
  ['openssl-sys', 'openssl-src'],
  ['pq-sys', 'pq-src'],
  ['libsqlite3-sys', 'cc'],
]);

const lockFile = z.looseObject({
  package: z
    .array(z.looseObject({ name: text, dependencies: texts }).catch({ name: '', dependencies: [] }))
    .optional()
    .catch(undefined),
});

/** The crates of a lock file that link a library; not those that build it themselves. */
export function linkedByLock({ path, text: source }: ProjectFile): Dependency[] {
  const content = readToml(source, lockFile);
  return (content?.package ?? []).flatMap(({ name = '', dependencies = [] }): Dependency[] => {
    const built = dependencies.some((one) => one.split(' ', 1)[0] === builders.get(name));
    return rustLibraries.has(name) && !built ? [{ name, path }] : [];
  });
}

/** The crates that the dependencies of a manifest lead to, as far as their features say. */
export function linkedByManifest(
  path: string,
  tables: readonly z.output<typeof table>[],
): Dependency[] {
  return tables.flatMap((dependencies) =>
    Object.entries(dependencies ?? {}).flatMap(([name, value]): Dependency[] => {
      if (rustLibraries.has(name)) return hasFeature(value, 'bundled') ? [] : [{ name, path }];
      const linked = (wrappers.get(name) ?? []).filter(
        ({ needs, own }) =>
          (needs === undefined || hasFeature(value, needs)) &&
          (own === undefined || !hasFeature(value, own)),
      );
      return linked.map(({ links }) => ({ name: links, path }));
    }),
  );
}

const dependency = z.looseObject({ features: texts });

/** `bundled` is one of `bundled-full` too. */
function hasFeature(value: unknown, name: string): boolean {
  const features = dependency.safeParse(value).data?.features ?? [];
  return features.some((feature) => feature === name || feature.startsWith(`${name}-`));
}

import type { DetectInput } from '../core/detect.ts';
import { below } from './paths.ts';
import { shareInCall } from './share-in-call.ts';

/** A package that is installed, as dpkg and apt have written it down. */
export interface DebianPackage {
  /** With its architecture where that is not the system's own: `libc6:i386`. */
  readonly name: string;
  readonly version: string;
  /** True of what no Debian system is without. */
  readonly base: boolean;
  /** Installed because another one needs it. */
  readonly automatic: boolean;
}

export interface DebianPackages {
  readonly packages: readonly DebianPackage[];
  /** False where apt has not written down what it installed by itself: then nothing is `automatic`. */
  readonly hasReasons: boolean;
}

/** Where dpkg keeps what it knows. */
export const dpkgDirectory = '/var/lib/dpkg';
/** Where apt writes down what it installed by itself. */
export const aptStates = '/var/lib/apt/extended_states';

/** The packages that dpkg has installed; `undefined` where the system is not of Debian's kind. */
export const readDpkg = shareInCall(
  async ({ host, scope }: DetectInput): Promise<DebianPackages | undefined> => {
    const [status, states] = await Promise.all([
      host.files.readText(below(scope.root, `${dpkgDirectory}/status`)),
      host.files.readText(below(scope.root, aptStates)).catch(() => undefined),
    ]);
    if (status === undefined) return undefined;
    const automatic = new Set<string>();
    for (const fields of paragraphs(
      states ?? '',
      /^(Package|Architecture|Auto-Installed): (.*)$/gm,
    )) {
      if (fields.get('Auto-Installed') === '1') automatic.add(keyOf(fields));
    }
    const installed = paragraphs(
      status,
      /^(Package|Status|Priority|Essential|Version|Architecture): (.*)$/gm,
    ).filter(isInstalled);
    const native = installed
      .find((fields) => fields.get('Package') === 'dpkg')
      ?.get('Architecture');
    const packages = installed.map((fields) => ({
      name: nameOf(fields, native),
      version: fields.get('Version') ?? '',
      base:
        fields.get('Essential') === 'yes' ||
        /^(required|important)$/.test(fields.get('Priority') ?? ''),
      // apt says the system's architecture of those that are for all.
      automatic:
        automatic.has(keyOf(fields)) ||
        (fields.get('Architecture') === 'all' && automatic.has(keyOf(fields, native))),
    }));
    return { packages, hasReasons: states !== undefined };
  },
);

type Fields = ReadonlyMap<string, string>;

/** The wanted fields of each paragraph; the rest, descriptions above all, is not looked at twice. */
function paragraphs(text: string, wanted: RegExp): Fields[] {
  return text
    .split(/\n{2,}/)
    .map(
      (part) => new Map([...part.matchAll(wanted)].map(([, key = '', value = '']) => [key, value])),
    );
}

function isInstalled(fields: Fields): boolean {
  return (
    /^[a-z0-9][a-z0-9+.-]+$/.test(fields.get('Package') ?? '') &&
    /^\S+ ok installed$/.test(fields.get('Status') ?? '') &&
    /^[\w.+:~-]+$/.test(fields.get('Version') ?? '')
  );
}

function keyOf(fields: Fields, architecture = fields.get('Architecture')): string {
  return `${fields.get('Package')}:${architecture}`;
}

function nameOf(fields: Fields, native: string | undefined): string {
  const architecture = fields.get('Architecture') ?? 'all';
  const foreign = native !== undefined && architecture !== 'all' && architecture !== native;
  return foreign ? keyOf(fields) : (fields.get('Package') ?? '');
}

/** Where a process belongs, as its control group tells. */
export interface Place {
  /**
   * `service`: of a unit of the system. `session`: what holds a desktop or the system itself together. `application`:
   * started as one by a desktop. `container`: in one, or its keeper. `other`: the groups do not say, as in a terminal.
   */
  readonly kind: 'service' | 'session' | 'application' | 'container' | 'other';
  /** The unit of a `service`. */
  readonly unit?: string;
  /** The snap or the flatpak that it is a part of. */
  readonly owner?: { readonly kind: 'snap' | 'flatpak'; readonly name: string };
}

const container =
  /^((docker|libpod|libpod-conmon|crio|crio-conmon|cri-containerd|nerdctl)-[0-9a-f]{12,}.*|docker|lxc(\.payload.*|\.monitor.*)?|kubepods.*|machine\.slice)$/;
/** What systemd.io/DESKTOP_ENVIRONMENTS calls the slices of a session, and the manager of a user's units. */
const session = new Set(['session.slice', 'background.slice', 'init.scope']);

/** Reads a path of control groups: the names of units in it are systemd's, snapd's and the container engines' own. */
export function placeOf(cgroup: string): Place {
  const parts = cgroup.split('/').filter((part) => part !== '');
  const last = parts.at(-1) ?? '';
  if (parts.some((part) => container.test(part))) return { kind: 'container' };
  const owner = ownerOf(last);
  if (parts[0] !== 'user.slice') {
    const unit = parts.find((part) => part.endsWith('.service'));
    if (unit !== undefined) return { kind: 'service', unit, ...owner };
  }
  if (owner !== undefined) return { kind: 'application', ...owner };
  if (parts.some((part) => session.has(part))) return { kind: 'session' };
  const ofDesktop = parts.some((part) => part.startsWith('app-'));
  // What is started in a terminal has a scope of its own below the terminal's.
  const itself = last.startsWith('app-') || last.endsWith('.service');
  return { kind: ofDesktop && itself ? 'application' : 'other' };
}

function ownerOf(unit: string): Pick<Place, 'owner'> | undefined {
  // snap.NAME.PROGRAM.service, snap.NAME.PROGRAM-UUID.scope; NAME_KEY is one of several of a snap.
  const snap = /^snap\.([a-z0-9-]+)(?:_[a-z0-9]+)?\../.exec(unit)?.[1];
  if (snap !== undefined) return { owner: { kind: 'snap', name: snap } };
  const flatpak = /^app-flatpak-(.+)-[^-]+\.scope$/.exec(unescapeUnit(unit))?.[1];
  if (flatpak !== undefined) return { owner: { kind: 'flatpak', name: flatpak } };
  return undefined;
}

/** systemd writes what may not be in the name of a unit as `\x2d`. */
function unescapeUnit(unit: string): string {
  return unit.replace(/\\x([0-9a-f]{2})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

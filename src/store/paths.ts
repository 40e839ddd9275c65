import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Paths } from '../core/store.ts';
import { sha256 } from '../lib/sha256.ts';

// Every file CloneBox keeps, as data: docs/internals.md explains each, and a test holds the two equal.

/** What is below the state directory. */
export const homeFiles = {
  vms: 'vms',
  trash: 'trash',
  trashEntry: 'trash/NAME-TIME',
  journal: 'journal',
  journalEntry: 'journal/ID.jsonl',
  locks: 'locks',
  vmLock: 'locks/NAME.lock',
  leases: 'leases.json',
  leaseLock: 'leases.json.lock',
  trust: 'trust.json',
  trustLock: 'trust.json.lock',
  shared: 'shared.json',
  sharedLock: 'shared.json.lock',
  secretSettings: 'secrets.yaml',
  profiles: 'profiles',
  logFile: 'log/clonebox.jsonl',
  olderLog: 'log/clonebox.N.jsonl',
  logLock: 'log/clonebox.jsonl.lock',
  backgroundLog: 'log/background.log',
  audit: 'audit',
  auditFile: 'audit/audit.jsonl',
  auditSegment: 'audit/audit-N.jsonl',
  auditHead: 'audit/head',
  auditBallast: 'audit/ballast',
  auditLock: 'audit/audit.lock',
  runtime: 'run',
} as const;

/** What is in a VM's directory, `vms/NAME`. */
export const vmFiles = {
  record: 'record.json',
  disk: 'disk.qcow2',
  seed: 'seed.iso',
  seedDraft: 'seed',
  key: 'key',
  publicKey: 'key.pub',
  nextKey: 'next-key',
  hostKey: 'host_key',
  knownHosts: 'known_hosts',
  serialLog: 'serial.log',
} as const;

/** What the driver and the guest channel keep of a running VM, in `runtimeOf(name)`. */
export const runtimeFiles = {
  run: 'run.json',
  origin: 'origin',
  qmp: 'qmp',
  qmpLock: 'qmp.lock',
  agent: 'agent',
  agentLock: 'agent.lock',
  helper: 'helper',
  console: 'console',
  migration: 'migration',
  qemuPid: 'qemu.pid',
  qemuLog: 'qemu.log',
  passtSocket: 'passt.sock',
  passtPid: 'passt.pid',
  passtLog: 'passt.log',
  virtiofs: 'vfs-TAG',
  virtiofsLog: 'vfs-TAG.log',
  empty: 'empty',
  egressSocket: 'egress',
  egressSettings: 'egress.json',
  egressLog: 'egress.log',
  egressTunnelLog: 'egress-tunnel.log',
  hostTunnelLog: 'host-PORT.log',
  portTunnelLog: 'port-PORT.log',
} as const;

/** What is below the cache directory. */
export const cacheFiles = {
  images: 'images',
  disk: 'images/DIGEST/disk.qcow2',
  kernel: 'images/DIGEST/kernel',
  initrd: 'images/DIGEST/initrd',
  manifest: 'images/DIGEST/manifest.json',
  references: 'images/DIGEST/references.json',
  verified: 'images/DIGEST/verified.json',
  building: 'images/.building-KEY-ID',
  removing: 'images/.removing-ID',
  templates: 'templates',
  templateDisk: 'templates/KEY/disk.qcow2',
  templateManifest: 'templates/KEY/manifest.json',
  templateVerified: 'templates/KEY/verified.json',
  templateLastUsed: 'templates/KEY/last-used',
  warmDisk: 'templates/KEY/warm/SHAPE/disk.qcow2',
  warmRam: 'templates/KEY/warm/SHAPE/ram',
  warmState: 'templates/KEY/warm/SHAPE/state',
  warmManifest: 'templates/KEY/warm/SHAPE/manifest.json',
  warmVerified: 'templates/KEY/warm/SHAPE/verified.json',
  templateBuilding: 'templates/.building-KEY-ID',
  templateRemoving: 'templates/.removing-ID',
  downloads: 'downloads',
} as const;

/** A UNIX socket address holds 107 bytes and a NUL (unix(7)). */
const socketPathBytes = 107;
/** The longest name a driver may give a socket in a VM's runtime directory. */
const longestLeaf = 20;

/**
 * Works out where everything is, from CLONEBOX_HOME, CLONEBOX_CACHE, the XDG directories and the user. Touches
 * nothing. Fails with `usage` when one of CloneBox's own variables is not an absolute path; a relative XDG
 * variable is ignored, as the XDG specification asks.
 */
export function createPaths(host: Host): Paths {
  const { env, user } = host;
  const ownHome = ownDirectory(env, 'CLONEBOX_HOME');
  const data = absolute(env.XDG_DATA_HOME) ?? `${user.home}/.local/share`;
  const home = ownHome ?? normalizePath(`${data}/clonebox`);
  const cache =
    ownDirectory(env, 'CLONEBOX_CACHE') ??
    normalizePath(`${absolute(env.XDG_CACHE_HOME) ?? `${user.home}/.cache`}/clonebox`);
  const runtime = chooseRuntime(host, ownHome);
  const vms = `${home}/${homeFiles.vms}`;
  const settings = ownHome ?? userSettings(host);
  return {
    home,
    vms,
    trash: `${home}/${homeFiles.trash}`,
    journal: `${home}/${homeFiles.journal}`,
    leases: `${home}/${homeFiles.leases}`,
    trust: `${home}/${homeFiles.trust}`,
    shared: `${home}/${homeFiles.shared}`,
    secretSettings: `${settings}/${homeFiles.secretSettings}`,
    profiles: `${settings}/${homeFiles.profiles}`,
    logFile: `${home}/${homeFiles.logFile}`,
    backgroundLog: `${home}/${homeFiles.backgroundLog}`,
    auditFile: `${home}/${homeFiles.auditFile}`,
    locks: `${home}/${homeFiles.locks}`,
    cache,
    images: `${cache}/${cacheFiles.images}`,
    templates: `${cache}/${cacheFiles.templates}`,
    downloads: `${cache}/${cacheFiles.downloads}`,
    runtime,
    vm: (name) => {
      const directory = `${vms}/${name}`;
      return {
        directory,
        record: `${directory}/${vmFiles.record}`,
        disk: `${directory}/${vmFiles.disk}`,
        seed: `${directory}/${vmFiles.seed}`,
        key: `${directory}/${vmFiles.key}`,
        publicKey: `${directory}/${vmFiles.publicKey}`,
        nextKey: `${directory}/${vmFiles.nextKey}`,
        hostKey: `${directory}/${vmFiles.hostKey}`,
        knownHosts: `${directory}/${vmFiles.knownHosts}`,
        serialLog: `${directory}/${vmFiles.serialLog}`,
      };
    },
    // The home is in the hash because two homes may share one runtime directory.
    runtimeOf: (name) => `${runtime}/vms/${shortHash(`${home}/${name}`)}`,
  };
}

/** What users write themselves is among their configuration, not in the state. */
function userSettings({ env, user }: Host): string {
  const config = absolute(env.XDG_CONFIG_HOME) ?? `${user.home}/.config`;
  return normalizePath(`${config}/clonebox`);
}

function shortHash(text: string): string {
  return sha256(text).slice(0, 8);
}

/** Below CLONEBOX_HOME or XDG_RUNTIME_DIR when a socket's path fits, else in a temporary directory. */
function chooseRuntime(host: Host, ownHome: string | undefined): string {
  const session = absolute(host.env.XDG_RUNTIME_DIR);
  const temporary = absolute(host.env.TMPDIR);
  const leaf = `clonebox-${host.user.uid}${ownHome === undefined ? '' : `-${shortHash(ownHome)}`}`;
  const candidates = [
    ownHome !== undefined ? `${ownHome}/${homeFiles.runtime}` : session && `${session}/clonebox`,
    temporary && `${temporary}/${leaf}`,
  ];
  return candidates.find((path) => path !== undefined && fits(path)) ?? `/tmp/${leaf}`;
}

function fits(runtime: string): boolean {
  const bytes = new TextEncoder().encode(`${runtime}/vms/12345678/`).length;
  return bytes + longestLeaf <= socketPathBytes;
}

function ownDirectory(env: Host['env'], variable: string): string | undefined {
  const value = env[variable];
  if (value === undefined || value === '') return undefined;
  const path = absolute(value);
  if (path !== undefined) return path;
  throw new CloneboxError('usage', `${variable} is not an absolute path: ${value}`, {
    hint: `Set it to a path that starts with '/', or unset it.`,
    facts: { variable, value },
  });
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') ? normalizePath(path) : undefined;
}

/** An absolute path without empty, `.` and `..` segments or a final slash. Does not look at the disk. */
export function normalizePath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** True when `path` is strictly below `directory`; both absolute. Does not look at the disk. */
export function isInside(path: string, directory: string): boolean {
  return path.startsWith(`${directory}/`) && path.length > directory.length + 1;
}

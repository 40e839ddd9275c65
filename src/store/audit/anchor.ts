import type { Io } from '../../core/io.ts';
import { sha256 } from '../../lib/sha256.ts';
import type { Link } from './line.ts';
import type { AuditPlace } from './place.ts';

// Whoever may write the log may write it anew. The log of the system is another one, which this user can only add to.

const tag = 'clonebox-audit';
const socket = '/dev/log';
/** Where syslog daemons write what is said to `authpriv`, or all of it. */
const textLogs = ['/var/log/auth.log', '/var/log/secure', '/var/log/syslog', '/var/log/messages'];
const linePattern = /\b([0-9a-f]{16}) (\d{1,16}) \S+ ([0-9a-f]{64})\s*$/;
/** Of what is read back, in bytes: some hundred thousand lines. */
const largest = 64 * 1024 * 1024;

/** The hashes that the log of the system has of the lines of this one, by their numbers. */
export type Anchors = ReadonlyMap<number, ReadonlySet<string>>;

/** Tells the log of the system id, number and hash of a line, where there is one. Never fails. */
export async function anchorLine(
  { host, paths }: AuditPlace,
  { link, id }: { link: Link; id: string },
  io: Io,
): Promise<void> {
  if ((await host.files.facts(socket)) === undefined) return;
  const logger = await host.which('logger');
  if (logger === undefined) return;
  const text = `${nameOf(paths.home)} ${link.seq} ${id} ${link.hash}`;
  const argv = [logger, '--tag', tag, '--priority', 'authpriv.info', '--', text];
  await host.run(argv, io, { timeout: 2000 }).catch(() => {});
}

/** What the log of the system has, in the journal or in files; `undefined` when this user may read neither. */
export async function readAnchors(
  { host, paths }: AuditPlace,
  io: Io,
): Promise<Anchors | undefined> {
  const texts = (await Promise.all([fromJournal(host, io), fromFiles(host, io)])).filter(
    (text) => text !== undefined,
  );
  if (texts.length === 0) return undefined;
  const own = nameOf(paths.home);
  const anchors = new Map<number, Set<string>>();
  for (const line of texts.join('\n').split('\n')) {
    const [, home, seq, hash] = linePattern.exec(line) ?? [];
    if (home !== own || hash === undefined) continue;
    const number = Number(seq);
    anchors.set(number, (anchors.get(number) ?? new Set()).add(hash));
  }
  return anchors;
}

/** One host may have several logs: each is known by its directory. */
function nameOf(home: string): string {
  return sha256(home).slice(0, 16);
}

async function fromJournal(host: AuditPlace['host'], io: Io): Promise<string | undefined> {
  const journalctl = await host.which('journalctl');
  if (journalctl === undefined) return undefined;
  const argv = [journalctl, '--quiet', '--no-pager', '--output=cat', `--identifier=${tag}`];
  const found = await said(host, argv, io);
  // Without a journal it says nothing, and that all is well.
  return found?.stdout === '' ? undefined : found?.stdout;
}

async function fromFiles(host: AuditPlace['host'], io: Io): Promise<string | undefined> {
  const readable: string[] = [];
  for (const path of textLogs) {
    if ((await host.files.facts(path))?.kind !== 'file') continue;
    const isReadable = await host.files.readTail(path, 1).then(
      () => true,
      () => false,
    );
    if (isReadable) readable.push(path);
  }
  if (readable.length === 0) return undefined;
  const argv = [await host.require('grep'), '-ahsF', '--', tag, ...readable];
  return (await said(host, argv, io))?.stdout;
}

async function said(host: AuditPlace['host'], argv: readonly string[], io: Io) {
  return host
    .run(argv, io, { timeout: 30_000, maxBuffer: largest })
    .catch(() => io.signal.throwIfAborted());
}

import { dirname } from 'node:path';
import type { Ctx } from '../core/ctx.ts';
import { formatBytes } from '../lib/bytes.ts';
import { availableMemory, leastMemory } from './memory-room.ts';
import { waitingMembers } from './pool/members.ts';

export interface DoctorLine {
  readonly check: string;
  readonly verdict: 'ok' | 'note' | 'problem';
  readonly detail: string;
  readonly fix: string | null;
}

export interface DoctorReport {
  readonly lines: readonly DoctorLine[];
  readonly problems: number;
}

const gibibyte = 1024 ** 3;

/** What this host can do, and what is in the way. Changes nothing. */
export async function doctor(ctx: Ctx): Promise<DoctorReport> {
  const lines = [
    ...(await driverLines(ctx)),
    ...(await toolLines(ctx)),
    ...(await imageLines(ctx)),
    ...(await spaceLines(ctx)),
    ...(await poolLines(ctx)),
    ...(await leftoverLines(ctx)),
  ];
  return { lines, problems: lines.filter((line) => line.verdict === 'problem').length };
}

const ok = (check: string, detail: string): DoctorLine => ({
  check,
  verdict: 'ok',
  detail,
  fix: null,
});
const note = (check: string, detail: string, fix: string | null = null): DoctorLine => ({
  check,
  verdict: 'note',
  detail,
  fix,
});
const problem = (check: string, detail: string, fix: string): DoctorLine => ({
  check,
  verdict: 'problem',
  detail,
  fix,
});

async function driverLines(ctx: Ctx): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (const name of ctx.driverNames) {
    const facts = await (await ctx.driver(name)).preflight(ctx.io);
    for (const { what, fix } of facts.problems) lines.push(problem(name, what, fix));
    if (facts.version !== undefined)
      lines.push(ok(name, `version ${facts.version}, machine ${facts.machine ?? 'unknown'}`));
    const { accel, network, shares } = facts;
    lines.push(
      accel.accel === 'kvm'
        ? ok('acceleration', `KVM: ${accel.reason}`)
        : note(
            'acceleration',
            `TCG, about ten times slower than KVM: ${accel.reason}`,
            'Turn on virtualisation in the firmware, or nested virtualisation',
          ),
    );
    lines.push(
      network.hostIsolated
        ? ok('network', `${network.backend}: guests cannot reach services on this host's loopback`)
        : note('network', network.reason, 'sudo apt install passt'),
    );
    lines.push(ok('shares', `${shares.driver}: ${shares.reason}`));
  }
  return lines;
}

async function toolLines(ctx: Ctx): Promise<DoctorLine[]> {
  const needed = [
    ['ssh', 'openssh-client'],
    ['ssh-keygen', 'openssh-client'],
    ['scp', 'openssh-client'],
    ['flock', 'util-linux'],
  ] as const;
  const lines: DoctorLine[] = [];
  for (const [program, debian] of needed) {
    const path = await ctx.host.which(program);
    lines.push(
      path ? ok(program, path) : problem(program, 'not installed', `sudo apt install ${debian}`),
    );
  }
  return lines;
}

async function imageLines(ctx: Ctx): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  const bootstrap = await ctx.host.which('mmdebstrap');
  lines.push(
    bootstrap
      ? ok('mmdebstrap', 'bootstrap:debian:12 can be built from this machine’s own package sources')
      : note(
          'mmdebstrap',
          'not installed: images come by download only',
          'sudo apt install mmdebstrap',
        ),
  );
  if (bootstrap && ctx.host.user.uid !== 0) {
    const probe = await ctx.host.run(['unshare', '--map-auto', '--map-root-user', 'true'], ctx.io, {
      timeout: 10_000,
    });
    lines.push(
      probe.exitCode === 0
        ? ok('user namespaces', 'images can be built without root')
        : note(
            'user namespaces',
            `not for this user: ${probe.stderr.trim()}`,
            'Give the user a range in /etc/subuid and /etc/subgid; on Ubuntu 24.04 see kernel.apparmor_restrict_unprivileged_userns',
          ),
    );
  }
  const images = await ctx.images.list();
  lines.push(
    ok(
      'images',
      images.length === 0
        ? 'none yet; the first clone makes one'
        : images.map((image) => image.reference).join(', '),
    ),
  );
  return lines;
}

async function spaceLines(ctx: Ctx): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (const [check, path] of [
    ['state', ctx.store.paths.home],
    ['cache', ctx.store.paths.cache],
  ] as const) {
    const free = await ctx.host.files.freeBytes(await nearestDirectory(ctx, path));
    const detail = `${formatBytes(free)} free at ${path}`;
    lines.push(
      free < 5 * gibibyte
        ? note(check, detail, 'An image and a VM want about 5 GiB')
        : ok(check, detail),
    );
  }
  const trash = await ctx.store.listTrash();
  if (trash.length > 0) {
    let bytes = 0;
    for (const { path } of trash) bytes += await allocatedBelow(ctx, path);
    const names = [...new Set(trash.map(({ name }) => name))].join(', ');
    const detail = `${formatBytes(bytes)} in VMs deleted in the last 24 hours: ${names}`;
    lines.push(note('trash', detail, 'clonebox recover NAME, or clonebox delete NAME --purge'));
  }
  lines.push(await memoryLine(ctx));
  return lines;
}

/** How many more machines of the usual size fit, as `clone` counts it before it starts one. */
async function memoryLine(ctx: Ctx): Promise<DoctorLine> {
  const available = await availableMemory(ctx);
  const { shared, booted } = leastMemory;
  const all = `${formatBytes(ctx.host.memoryBytes)}, ${formatBytes(available)} of it free, ${ctx.host.cpuCount} processors`;
  const more = (needed: number) => Math.floor(available / needed);
  const detail = `${all}: room for ${more(shared)} more clones that share their template's memory, or ${more(booted)} that boot`;
  return more(booted) > 0
    ? ok('memory', detail)
    : note('memory', detail, 'Stop a VM: clonebox list');
}

async function allocatedBelow(ctx: Ctx, directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await ctx.host.files.list(directory)) {
    const path = `${directory}/${entry}`;
    const facts = await ctx.host.files.facts(path);
    bytes += facts?.allocated ?? 0;
    if (facts?.kind === 'directory') bytes += await allocatedBelow(ctx, path);
  }
  return bytes;
}

/** The path itself or the closest directory above it that exists. */
async function nearestDirectory(ctx: Ctx, path: string): Promise<string> {
  for (let at = path; ; at = dirname(at))
    if ((await ctx.host.files.facts(at)) !== undefined || at === '/') return at;
}

async function leftoverLines(ctx: Ctx): Promise<DoctorLine[]> {
  return (await ctx.store.unfinished()).map((one) =>
    note(
      'interrupted',
      `${one.operation}${one.vm === null ? '' : ` of ${one.vm}`} stopped at: ${one.lastStep}`,
      'clonebox recover --auto; the next command on it does so too',
    ),
  );
}

async function poolLines(ctx: Ctx): Promise<DoctorLine[]> {
  const names = await ctx.store.members();
  const waiting = await waitingMembers(ctx);
  const lines: DoctorLine[] = [];
  if (waiting.length > 0) {
    const vms = [...new Set(waiting.map(({ plan }) => plan.name))].join(', ');
    const detail = `${waiting.length} machines run and wait to be claimed: ${vms}`;
    lines.push(ok('pool', detail));
  }
  const others = names.filter((name) => !waiting.some((member) => member.name === name));
  const left = [];
  for (const name of others) if (!(await ctx.store.isLocked(name))) left.push(name);
  if (left.length > 0) {
    const detail = `${left.length} that nobody can claim any more`;
    lines.push(note('pool', detail, 'clonebox template prune; filling the pool does so too'));
  }
  return lines;
}

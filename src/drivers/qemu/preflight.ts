import type { DriverFacts } from '../../core/driver.ts';
import type { Host } from '../../core/host.ts';
import type { Io } from '../../core/io.ts';
import { chooseAccel } from './accel.ts';
import { currentLayout } from './layout.ts';
import { chooseNetwork } from './network.ts';
import { findVirtiofsd } from './virtiofs.ts';

/** The QEMU binary for this machine's architecture. */
export function qemuProgram(host: Host): string {
  return host.architecture === 'arm64' ? 'qemu-system-aarch64' : 'qemu-system-x86_64';
}

/** The versioned machine type behind QEMU's `q35` alias: what a new machine is pinned to. */
export function parseMachineType(help: string): string | undefined {
  return /^q35\s.*\(alias of (pc-q35-[\w.]+)\)/m.exec(help)?.[1];
}

/** What this host offers; problems are listed, not thrown. */
export async function preflight(host: Host, io: Io): Promise<DriverFacts> {
  const problems: { what: string; fix: string }[] = [];
  const program = await host.which(qemuProgram(host));
  let version: string | undefined;
  let build: string | undefined;
  let machine: string | undefined;
  if (program === undefined) {
    problems.push({
      what: `${qemuProgram(host)} is not installed`,
      fix: 'sudo apt install qemu-system-x86',
    });
  } else {
    const [versionRun, machineRun] = await Promise.all([
      host.run([program, '--version'], io, { timeout: 10_000 }),
      host.run([program, '-machine', 'help'], io, { timeout: 10_000 }),
    ]);
    build = versionRun.stdout.split('\n', 1)[0]?.trim();
    version = /version (\d+\.\d+(\.\d+)?)/.exec(versionRun.stdout)?.[1];
    machine = parseMachineType(machineRun.stdout);
    if (version === undefined || Number.parseFloat(version) < 7.2) {
      problems.push({
        what: `QEMU ${version ?? 'of unknown version'} is too old`,
        fix: 'CloneBox needs QEMU 7.2 or newer',
      });
    }
    if (machine === undefined) {
      problems.push({
        what: 'this QEMU has no q35 machine',
        fix: 'CloneBox runs x86-64 guests: install qemu-system-x86',
      });
    }
  }
  if ((await host.which('qemu-img')) === undefined) {
    problems.push({ what: 'qemu-img is not installed', fix: 'sudo apt install qemu-utils' });
  }
  const accel = await chooseAccel(host, 'auto');
  return {
    driver: 'qemu',
    version,
    build,
    machine,
    layout: currentLayout,
    accel,
    network: await chooseNetwork(host, 'open'),
    shares: await chooseShareDriver(host, accel.accel, io),
    problems,
  };
}

/** `share_driver: auto`: virtiofs on KVM with a usable virtiofsd, else 9p inside QEMU (docs/lab.md has the figures). */
async function chooseShareDriver(
  host: Host,
  accel: 'kvm' | 'tcg',
  io: Io,
): Promise<DriverFacts['shares']> {
  const ninep = (reason: string) => ({ driver: '9p', reason, readOnly: true }) as const;
  if (accel === 'tcg') return ninep('under TCG, 9p inside QEMU has the higher throughput');
  const found = await findVirtiofsd(host, io);
  if (found === undefined) return ninep('no virtiofsd that this user can run');
  return {
    driver: 'virtiofs',
    reason: 'KVM and a usable virtiofsd',
    readOnly: found.flavour === 'rust',
  };
}

import * as z from 'zod';
import { CloneboxError } from '../core/errors.ts';
import type { Host } from '../core/host.ts';
import type { Io } from '../core/io.ts';
import { requireSpace } from './disk-space.ts';

const Info = z.looseObject({ format: z.string(), 'virtual-size': z.number() });

function refused(path: string, why: string): CloneboxError {
  return new CloneboxError('refused', `${path} is not imported: ${why}`, {
    hint: 'An image must stand alone: qemu-img convert -O qcow2 SOURCE COPY makes such a copy.',
    facts: { path },
  });
}

async function readBytes(
  host: Host,
  io: Io,
  range: { path: string; from: number; count: number },
): Promise<DataView> {
  const argv = ['od', '-An', '-v', '-tx1', `-j${range.from}`, `-N${range.count}`, '--', range.path];
  const { stdout } = await host.run(argv, io);
  const bytes = stdout.match(/[0-9a-f]{2}/g) ?? [];
  return new DataView(Uint8Array.from(bytes, (byte) => Number.parseInt(byte, 16)).buffer);
}

/**
 * The format of a disk file by its own first bytes. Whatever qemu-img opens it also follows, so a qcow2 that
 * names a backing or data file is refused before qemu-img sees it (CVE-2024-4467).
 */
async function formatOf(host: Host, io: Io, path: string): Promise<'qcow2' | 'raw'> {
  const header = await readBytes(host, io, { path, from: 0, count: 104 });
  if (header.byteLength >= 72 && header.getUint32(0) === 0x514649fb) {
    const version = header.getUint32(4);
    if (version !== 2 && version !== 3) throw refused(path, `qcow2 version ${version} is unknown`);
    if (header.getBigUint64(8) !== 0n) throw refused(path, 'it has a backing file');
    if (header.getUint32(32) !== 0) throw refused(path, 'it is encrypted');
    const features = version === 3 && header.byteLength >= 80 ? header.getBigUint64(72) : 0n;
    if ((features & 4n) !== 0n) throw refused(path, 'it has an external data file');
    return 'qcow2';
  }
  // A raw disk that firmware can boot has a boot sector, protective or real.
  const boot = await readBytes(host, io, { path, from: 510, count: 2 });
  if (boot.byteLength === 2 && boot.getUint16(0) === 0x55aa) return 'raw';
  throw refused(path, 'it is neither a qcow2 nor a raw disk that can boot');
}

/**
 * Makes `DIRECTORY/disk.qcow2` of a disk file that is ours alone already (a copy or a download), which it uses up.
 * Fails with `refused` when it has a backing file, a data file, an unknown format, or inner damage.
 */
export async function importDisk(
  host: Host,
  io: Io,
  options: { file: string; name: string; directory: string },
): Promise<{ format: 'qcow2' | 'raw'; virtualSize: number }> {
  const { file, name, directory } = options;
  io.emit({ kind: 'detail', text: 'checking the disk' });
  const qemuImg = await host.require('qemu-img');
  const format = await formatOf(host, io, file).catch((error: unknown) => {
    throw renamed(error, file, name);
  });
  const info = await host.run([qemuImg, 'info', '-f', format, '--output=json', file], io);
  if (info.exitCode !== 0) throw refused(name, info.stderr.trim());
  const facts = Info.parse(JSON.parse(info.stdout));
  if ('backing-filename' in facts) throw refused(name, 'it has a backing file');
  if (/"data-file"/.test(info.stdout)) throw refused(name, 'it has an external data file');
  if (format === 'qcow2') {
    await checkQcow2(host, io, { qemuImg, file, name });
    await host.files.rename(file, `${directory}/disk.qcow2`);
  } else {
    const allocated = (await host.files.facts(file))?.allocated ?? 0;
    await requireSpace(host, directory, allocated);
    io.emit({ kind: 'detail', text: 'converting to qcow2' });
    const files = [file, `${directory}/disk.qcow2`];
    const convert = [qemuImg, 'convert', '-f', 'raw', '-O', 'qcow2', ...files];
    const result = await host.run(convert, io, { env: { LC_ALL: 'C' } });
    if (result.exitCode !== 0) {
      const lines = result.stderr.trim().split('\n');
      throw new CloneboxError('host-unable', `converting ${name} failed`, { facts: { lines } });
    }
    await host.files.remove(file);
  }
  return { format, virtualSize: facts['virtual-size'] };
}

/** The person knows the file by its own name, not by that of our copy. */
function renamed(error: unknown, file: string, name: string): unknown {
  if (!(error instanceof CloneboxError)) return error;
  const { code, message, hint } = error;
  return new CloneboxError(code, message.replaceAll(file, name), { hint, facts: { path: name } });
}

async function checkQcow2(
  host: Host,
  io: Io,
  options: { qemuImg: string; file: string; name: string },
): Promise<void> {
  const check = await host.run([options.qemuImg, 'check', '-f', 'qcow2', options.file], io);
  // 3: clusters that nothing uses; they waste room and harm nobody.
  if (check.exitCode === 0 || check.exitCode === 3) return;
  throw refused(options.name, `qemu-img check finds it damaged (status ${check.exitCode})`);
}

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cache, ok } from './cli.ts';

/** What the first process of the guest does, in the place of systemd. */
const scripts = {
  /** The agent and nothing else: up in a fraction of the time, and every phase of a creation can be gone through. */
  quick: `
printf '#!/bin/sh
case "$*" in *restart*shares*) exec sh /usr/local/lib/clonebox/mount-shares;; esac
' >/usr/local/sbin/systemctl
chmod 755 /usr/local/sbin/systemctl
modprobe -a virtio_console 9p 9pnet_virtio button evdev
until [ -e /dev/input/event0 ]; do sleep 0.1; done
for event in /dev/input/event*; do
  (dd if=$event of=/dev/null bs=24 count=1 && sync && echo o >/proc/sysrq-trigger) &
done
[ ! -e /usr/local/lib/clonebox/mount-shares ] || sh /usr/local/lib/clonebox/mount-shares
until [ -e /dev/vport*p1 ]; do sleep 0.1; done
while :; do qemu-ga -m virtio-serial -p /dev/vport*p1; done`,
  /** Says something and never answers. */
  silent: 'while :; do sleep 1000; done',
  /** Ends the first process, which no kernel survives. */
  panics: 'echo about to panic; exit 3',
  /** Writes more than its host has room for. */
  fills:
    'echo filling the disk; yes | dd of=/fill bs=1M count=40 iflag=fullblock conv=fsync; sleep 1000',
} as const;

/** Brings up no more than the disk, and leaves the rest to the script. */
const init = (script: string) => `#!/bin/sh
mkdir -p /proc /dev
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for module in virtio_pci virtio_blk ext4; do modprobe $module; done
until [ -e /dev/vda ]; do sleep 0.1; done
mount -t ext4 /dev/vda /root
mount -t proc proc /root/proc
mount -t sysfs sys /root/sys
mount -t devtmpfs dev /root/dev
mount -t tmpfs run /root/run
mkdir -p /root/run/clonebox
cat >/root/run/first <<'END'
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
${script}
END
exec run-init /root /bin/sh /run/first </dev/console >/dev/console 2>&1
`;

interface Manifest {
  reference: string;
  boot: { kind: string; commandLine: string };
  files: Record<string, { sha256: string; size: number }>;
}

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

/**
 * Fills a cache with Debian images that begin with a few lines of shell: `--image quick`, `silent`, `panics` and `fills`.
 * Each has the disk and kernel of `bootstrap:debian:12`, which is made first if it is not there.
 */
export async function quickImages(own: string): Promise<void> {
  const env = { CLONEBOX_HOME: path.join(own, 'home') };
  const reference = 'bootstrap:debian:12';
  const { digest } = (await ok(['image', 'pull', reference, '--json'], { env })).json<{
    digest: string;
  }>();
  const source = path.join(cache, 'images', digest);
  const manifest = JSON.parse(readFileSync(path.join(source, 'manifest.json'), 'utf8')) as Manifest;
  const initrd = readFileSync(path.join(source, 'initrd'));

  for (const [name, script] of Object.entries(scripts)) {
    const content = Buffer.concat([
      initrd,
      Buffer.alloc(4 - (initrd.length % 4)),
      cpio(init(script)),
    ]);
    const files = {
      ...manifest.files,
      initrd: { sha256: sha256(content), size: content.length },
    };
    const digests = Object.values(files).map((file) => file.sha256);
    const id = sha256(`${digests.sort().join('\n')}\n`);
    const directory = path.join(own, 'images', id);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const file of ['disk.qcow2', 'kernel'])
      linkOrCopy(path.join(source, file), path.join(directory, file));
    writeFileSync(path.join(directory, 'initrd'), content);
    // A guest that will not answer shows what its kernel says.
    const commandLine = manifest.boot.commandLine.replace(name === 'silent' ? ' quiet' : '', '');
    const boot = { ...manifest.boot, commandLine };
    const text = { ...manifest, files, boot, digest: id, reference: name };
    writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(text));
    // Else the first use would hash the disk once more, under each name.
    const stamps = Object.keys(files)
      .map((file) => [file, statSync(path.join(directory, file))] as const)
      .map(([file, { size, mtimeMs }]) => [file, { size, modified: mtimeMs }]);
    writeFileSync(
      path.join(directory, 'verified.json'),
      JSON.stringify(Object.fromEntries(stamps)),
    );
  }
}

/** An archive with one file, `init`, in the form the kernel unpacks over what came before (initramfs(5)). */
function cpio(content: string): Buffer {
  const entry = (name: string, mode: number, data: Buffer) => {
    const fields = [0, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    return Buffer.concat([padded(Buffer.from(head)), padded(data)]);
  };
  return Buffer.concat([
    entry('init', 0o100755, Buffer.from(content)),
    entry('TRAILER!!!', 0, Buffer.alloc(0)),
  ]);
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    execFileSync('cp', ['--preserve=timestamps,mode', '--sparse=always', '--', from, to]);
  }
}

/** What is in a bootstrapped image and why: data and shell text, nothing that runs here. */

/** Packages beside Debian's essential ones. `KERNEL` stands for the architecture's kernel. */
const packages = [
  'ca-certificates',
  'dbus',
  'initramfs-tools',
  'iproute2',
  'kmod',
  'less',
  'libpam-systemd',
  'locales',
  'openssh-server',
  'procps',
  'qemu-guest-agent',
  'sudo',
  'systemd-sysv',
  'tzdata',
  'udev',
  'zstd',
] as const;

/** Package names for `--include`. The generic kernel: Debian's cloud kernel has no 9p. */
export function packagesFor(architecture: string): readonly string[] {
  return [`linux-image-${architecture}`, ...packages];
}

/** The image's disk. Small, so that any VM's disk can be larger: the root file system grows at boot. */
export const virtualSize = '4G';

/** Bytes that must be free before a build starts: packages, root file system, raw and final disk. */
export const spaceNeeded = 3 * 1024 ** 3;

/** Arguments of the kernel: the root is writable at once, the names of interfaces stay short. */
export function commandLineFor(architecture: string): string {
  const console = architecture === 'arm64' ? 'ttyAMA0' : 'ttyS0';
  return `root=/dev/vda rw rootfstype=ext4 console=${console} quiet net.ifnames=0`;
}

/** Units that do nothing good in a short-lived VM: consoles nobody sees, upkeep of machines that run for years. */
const masked = [
  'apt-daily-upgrade.timer',
  'apt-daily.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty@tty1.service',
  // Device mapper, graphics and loop modules are loaded by whoever needs them.
  'modprobe@dm_mod.service',
  'modprobe@drm.service',
  'modprobe@loop.service',
  'systemd-networkd-wait-online.service',
  'systemd-pstore.service',
] as const;

/**
 * Runs after the essential packages and before the kernel is configured: an initial ramdisk with only the
 * modules a QEMU machine needs is 6 MB instead of 40 and is made and loaded faster.
 */
export const essentialHook = `set -e
mkdir -p "$1/etc/initramfs-tools/conf.d"
printf 'MODULES=list\\nCOMPRESS=zstd\\n' > "$1/etc/initramfs-tools/conf.d/clonebox"
printf '%s\\n' virtio_pci virtio_blk virtio_scsi ext4 virtio_rng > "$1/etc/initramfs-tools/modules"
`;

/** A file of the guest: path, content. All are 0644 and belong to root. */
const guestFiles: Readonly<Record<string, string>> = {
  '/etc/hostname': 'clonebox\n',
  '/etc/hosts': '127.0.0.1 localhost\n127.0.1.1 clonebox\n::1 localhost ip6-localhost\n',
  '/etc/resolv.conf': 'nameserver 10.0.2.3\n',
  '/etc/fstab': '/dev/vda / ext4 defaults,discard,x-systemd.growfs 0 1\n',
  '/etc/locale.gen': 'en_US.UTF-8 UTF-8\n',
  '/etc/default/locale': 'LANG=C.UTF-8\n',
  // Shares mount at once, and the agent's port appears before all devices have been looked at.
  '/etc/modules-load.d/clonebox.conf': '9p\n9pnet_virtio\nvirtio_console\nvirtiofs\n',
  // Devices every q35 machine shows and no guest uses: each module is up to half a second without KVM.
  '/etc/modprobe.d/clonebox.conf': ['cfg80211', 'i2c_i801', 'iTCO_wdt', 'lpc_ich', 'pcspkr']
    .map((name) => `blacklist ${name}\n`)
    .join(''),
  // The agent needs its port, the file systems and /run, not the whole of basic.target.
  '/etc/systemd/system/qemu-guest-agent.service.d/10-clonebox.conf': `[Unit]
DefaultDependencies=no
After=local-fs.target systemd-tmpfiles-setup.service
Conflicts=shutdown.target
Before=shutdown.target
# Each of CloneBox's questions would be a line of the journal, with all its words.
[Service]
LogLevelMax=notice
`,
  // Link-local IPv6 stays on: passt learns the guest's MAC from the first frame the guest sends,
  // and drops inbound connections before.
  '/etc/systemd/network/10-clonebox.network': `[Match]
Driver=virtio_net
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
DNS=10.0.2.3
LinkLocalAddressing=ipv6
IPv6AcceptRA=no
`,
  '/etc/systemd/journald.conf.d/10-clonebox.conf': `[Journal]
Storage=volatile
RuntimeMaxUse=32M
`,
  '/etc/ssh/sshd_config.d/10-clonebox.conf': `PasswordAuthentication no
PermitRootLogin prohibit-password
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
GSSAPIAuthentication no
`,
};

function writeFile(path: string, content: string): string {
  const directory = path.slice(0, path.lastIndexOf('/'));
  return `mkdir -p "$1${directory}"
rm -f "$1${path}"
cat > "$1${path}" <<'CLONEBOX_END'
${content}CLONEBOX_END
chmod 0644 "$1${path}"
`;
}

/**
 * The last hook: turns a Debian root file system into CloneBox's guest. It is text for `sh -c`, because in a
 * user namespace hooks run as a subordinate user that cannot read the caller's home directory.
 */
export function customizeHook(options: { reference: string; date: string }): string {
  const note = `CloneBox base image ${options.reference}, built ${options.date}\n`;
  const files = Object.entries({ ...guestFiles, '/etc/clonebox': note });
  return `set -e
umask 022
${files.map(([path, content]) => writeFile(path, content)).join('')}
chroot "$1" locale-gen
chroot "$1" systemctl mask ${masked.join(' ')}
chroot "$1" systemctl enable ssh.socket systemd-networkd.service qemu-guest-agent.service
chroot "$1" systemctl disable ssh.service systemd-network-generator.service
chroot "$1" apt-mark hold $(chroot "$1" dpkg-query -W -f '\${db:Status-Abbrev} \${Package}\n' 'linux-image-*' | sed -n 's/^ii *//p')
chroot "$1" dpkg-query -W -f '\${Package}=\${Version}\\n' > "$1/var/lib/clonebox-packages"
rm -f "$1"/etc/ssh/ssh_host_* "$1/var/lib/dbus/machine-id" "$1/var/lib/systemd/random-seed"
rm -f "$1"/var/log/*.log "$1"/var/log/apt/* "$1"/var/cache/ldconfig/aux-cache
rm -f "$1/etc/machine-id"
: > "$1/etc/machine-id"
chmod 0444 "$1/etc/machine-id"
`;
}

/**
 * The ELF image inside a bzImage, by the boot protocol's header (Linux, Documentation/arch/x86/boot.rst): QEMU starts it
 * through its PVH entry. A guest without KVM then need not unpack itself, which takes it several seconds. It fails,
 * and the bzImage stays, when the machine has no such tool or the kernel no such entry.
 */
const unpackKernel = `
number() { od -An "-tu$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
unpack_kernel() {
  [ "$(od -An -c -j 514 -N 4 "$1" | tr -d ' ')" = HdrS ] || return 1
  start=$(( ($(number "$1" 497 1) + 1) * 512 + $(number "$1" 584 4) ))
  length=$(number "$1" 588 4)
  tail -c "+$((start + 1))" "$1" | head -c "$((length - 4))" > packed
  case $(od -An -tx1 -N 4 packed | tr -d ' ') in
    fd377a58) xz -dc packed > "$2" ;;
    28b52ffd) zstd -qdc packed > "$2" ;;
    1f8b*) gzip -dc packed > "$2" ;;
    *) false ;;
  esac || { rm -f packed; return 1; }
  rm -f packed
  [ "$(wc -c < "$2")" = "$(number "$1" "$((start + length - 4))" 4)" ] && grep -qa Xen "$2"
}
`;

/**
 * Makes kernel, initrd, package list and raw disk of a root file system; run by sh with the arguments
 * work directory, mke2fs, and the tar archive or nothing when `WORK/root` is a directory already.
 * Only one kernel may be there. The tree goes away in here, where its owners can still be removed.
 */
export const assembleScript = `set -e
umask 077
${unpackKernel}cd "$1"
if [ -n "\${3:-}" ]; then
  mkdir -m 0755 root
  tar -C root --xattrs --xattrs-include='*' --numeric-owner --exclude='./dev/*' -xpf "$3"
  rm -f "$3"
fi
set -- "$2" root/boot/vmlinuz-*
[ $# -eq 2 ]
version=\${2#root/boot/vmlinuz-}
cat "$2" > kernel
if unpack_kernel kernel vmlinux 2>/dev/null; then mv vmlinux kernel; else rm -f vmlinux; fi
cat "root/boot/initrd.img-$version" > initrd
cat root/var/lib/clonebox-packages > packages
rm root/var/lib/clonebox-packages
echo "$version" > version
"$1" -q -t ext4 -L root -m 1 -E lazy_itable_init=0,lazy_journal_init=0 -d root disk.raw ${virtualSize}
rm -rf root
`;

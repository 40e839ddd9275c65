/**
 * QEMU's `-cpu` without hardware virtualisation: everything that TCG can do but `rep movsb` as the way to copy. A guest
 * takes that where it is offered, and TCG does it byte by byte: without it a guest copies two to three times as fast
 * (docs/lab.md).
 */
export const emulatedProcessor = 'max,-erms,-fsrm';

/**
 * QEMU's `-accel` for it. QEMU keeps what it has translated until there is no room, and takes 1 GiB of room where it is not
 * told: a guest that starts many small programs fills that in a minute. With 64 MiB for each processor, and 128 at least,
 * it takes as long for its work (docs/lab.md), and a clone is itself before the room is full.
 */
export function emulatedAccelerator(cpus: number): string {
  return `tcg,thread=multi,tb-size=${Math.max(128, 64 * cpus)}`;
}

/** What the kernel's own ciphers and sums can do with such a processor is not worth its beginning: modules of udev's. */
const modules = [
  ...['aesni_intel', 'ghash_clmulni_intel', 'crct10dif_pclmul', 'crc32_pclmul'],
  ...['sha1_ssse3', 'sha256_ssse3', 'sha512_ssse3'],
];

/**
 * What is added to the command line of a kernel that boots on it. For its AES alone the kernel looks for 22 modules that
 * there are not, by a process each: 1-2 s of a boot (docs/lab.md). Programs have the processor's AES as ever, and who
 * names a module gets it.
 */
export const emulatedBoot = `modprobe.blacklist=${modules.join(',')}`;

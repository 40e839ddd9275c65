/** What strikes an operation, as a shell command with the pid of clonebox as `$1` (src/host/fault-point.ts). */
export interface Fault {
  readonly name: string;
  /** `root` is where the file system of the state directory is mounted. */
  strike(root: string): string;
  /** Takes the circumstance away again, before the next command. */
  mend?(root: string): string;
}

export const faults: readonly Fault[] = [
  { name: 'kill -9', strike: () => 'kill -KILL $1' },
  { name: 'SIGINT', strike: () => 'kill -INT $1' },
  { name: 'SIGTERM', strike: () => 'kill -TERM $1' },
  {
    name: 'disk full',
    // Down to the last block; the root's reserve is off.
    strike: (root) =>
      `for size in 1M 4k 512; do dd if=/dev/zero of=${root}/filler bs=$size oflag=append conv=notrunc 2>/dev/null; done; sync -f ${root}; true`,
    mend: (root) => `rm -f ${root}/filler`,
  },
  {
    name: 'read-only',
    // Files that a machine has open for writing keep the file system from being remounted: then each is made immutable.
    strike: (root) =>
      `mount -o remount,ro ${root} 2>/dev/null || find ${root}/home -type d -o -type f | xargs -d '\\n' chattr +i`,
    mend: (root) =>
      `mount -o remount,rw ${root}; find ${root}/home -type d -o -type f | xargs -d '\\n' chattr -f -i; true`,
  },
];

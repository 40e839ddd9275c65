/** One thing that is not the same on two of the three sides; `null` where a side has no say in it. */
export interface Drift {
  readonly area: 'config' | 'packages' | 'tools' | 'services' | 'shares' | 'ports';
  readonly name: string;
  /** On this machine. */
  readonly workstation: string | null;
  /** In the VM's record, which was made from the file. */
  readonly config: string | null;
  /** In the guest, as it is now. */
  readonly guest: string | null;
}

/** What is the same everywhere is no drift; a side that does not know is not asked. */
export function isDrift({ workstation, config, guest }: Drift): boolean {
  const known = [workstation, config, guest].filter((side) => side !== null);
  return new Set(known).size > 1;
}

/** Files of one running machine, all in its runtime directory. */
export interface RuntimeFiles {
  readonly directory: string;
  readonly qmp: string;
  readonly agent: string;
  readonly helper: string;
  readonly console: string;
  /** Where the state of a machine arrives whose memory is kept. */
  readonly migration: string;
  readonly pid: string;
  readonly log: string;
  readonly passtSocket: string;
  readonly passtPid: string;
  readonly passtLog: string;
  readonly empty: string;
  readonly run: string;
  /** Of a machine that was adopted: the directory it was started in, as its arguments have it. */
  readonly origin: string;
  virtiofs(tag: string): string;
}

/** Names every file of a runtime directory. */
export function runtimeFiles(directory: string): RuntimeFiles {
  const at = (name: string) => `${directory}/${name}`;
  return {
    directory,
    qmp: at('qmp'),
    agent: at('agent'),
    helper: at('helper'),
    console: at('console'),
    migration: at('migration'),
    pid: at('qemu.pid'),
    log: at('qemu.log'),
    passtSocket: at('passt.sock'),
    passtPid: at('passt.pid'),
    passtLog: at('passt.log'),
    empty: at('empty'),
    run: at('run.json'),
    origin: at('origin'),
    virtiofs: (tag) => at(`vfs-${tag}`),
  };
}

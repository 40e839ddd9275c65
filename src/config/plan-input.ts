import type { HostUser } from '../core/host.ts';
import type { VmName } from '../core/name.ts';
import type { GuestUser } from '../core/plan.ts';
import type { Config } from './parse-config.ts';
import type { Path } from './problem.ts';

/** What the command line says over the file. Sizes in bytes; a relative path of an image is the caller's to resolve. */
export interface Overrides {
  readonly name?: VmName | undefined;
  readonly cpus?: number | undefined;
  readonly memory?: number | undefined;
  readonly disk?: number | undefined;
  readonly image?: string | undefined;
  readonly driver?: string | undefined;
  /** For a first draft of the file, which is where they are from then on. */
  readonly profiles?: readonly string[] | undefined;
}

export interface PlanInput {
  readonly config: Config;
  readonly configFile: string | undefined;
  /** The project directory, absolute and free of links. */
  readonly project: string | undefined;
  readonly overrides: Overrides;
  readonly hostUser: HostUser;
  /** Who called sudo, when the host user is root by it. */
  readonly sudoUser?: GuestUser | undefined;
  readonly cpuCount: number;
  /** Where `${NAME}` of `environment` and `ports` is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly defaultName: VmName;
  readonly home: string;
}

/** Notes a problem at a key of the file. */
export type Report = (path: Path, message: string) => void;

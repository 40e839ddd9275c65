import type { Guest } from './guest.ts';

import type { Host } from './host.ts';
import type { IdentityBaseline, IdentityReport, KnownIdentity, NewIdentity } from './identity.ts';

import type { Io } from './io.ts';
import type { VmPlan } from './plan.ts';
import type { ProjectTree } from './project-tree.ts';
import type { VmRecord } from './record.ts';
import type { Secret } from './secret.ts';
import type { SecretValue } from './secrets.ts';

/** The facts of this workstation that go into every guest. */
export interface Workstation {
  readonly timeZone: string | undefined;
  readonly locale: string | undefined;
  /** PEM certificates the host's administrator added. */
  readonly certificates: readonly { readonly name: string; readonly pem: string }[];
  readonly proxy: Readonly<Record<string, string>>;
}

/** A mounted share of the guest, as the guest reports it. */
export interface MountedShare {
  readonly tag: string;
  readonly host: string;
  readonly guest: string;
  readonly mode: 'rw' | 'ro';
  readonly driver: '9p' | 'virtiofs';
}

export interface SetupInput {
  readonly plan: VmPlan;
  readonly record: VmRecord;
  readonly guest: Guest;
  readonly shareDriver: '9p' | 'virtiofs' | undefined;
  /**
   * What is shared as a copy, by its path on this host: opened before the guest ran, since afterwards it could be anything.
   * Only of a machine that is being made.
   */
  readonly sources?: ReadonlyMap<string, ProjectTree> | undefined;
  /** Socket of the resident helper, of a machine that comes from a template. */
  readonly helper?: string | undefined;
}

/** How a machine that came from a template is made itself. */
export interface Introduction {
  readonly identity: NewIdentity;
  /** What the template's machine was. */
  readonly template: IdentityBaseline;
  readonly workstation: Workstation;
  /** The guest's agent: the helper answers earlier, and is asked at once. */
  readonly answered: Promise<void>;
  /** What is to be done while every item is proven. When it fails, so does the introduction. */
  readonly meanwhile: () => Promise<unknown>;
}

/** How an account of the guest may be entered by a password from now on. */
export interface PasswordUse {
  readonly user: string;
  /** Whoever comes by it must choose another one first. */
  readonly expire: boolean;
  /** sshd takes it too. */
  readonly ssh: boolean;
}

export interface PasswordChange extends PasswordUse {
  /** `undefined` takes it away. */
  readonly password: Secret | undefined;
}

/** The named phases of a first boot, and the checks of every later one. Each failure says phase, command and last output. */
export interface GuestSetup {
  /** Digest of what `bake` and `clean` do by themselves: another CloneBox may make other templates. */
  readonly recipe: string;
  workstation(io: Io): Promise<Workstation>;
  /** The template's part of a booted image: user, workstation, software, and the resident helper. Nothing of one VM. */
  bake(guest: Guest, input: { plan: VmPlan; workstation: Workstation; io: Io }): Promise<void>;
  /** Waits until a booted guest does nothing more. */
  quiet(guest: Guest, io: Io, sleep: Host['sleep']): Promise<void>;
  /**
   * Takes out what no two machines may share and proves that it is gone; fails with `guest-failed` and names what is left.
   * `stay` are units that go on running; `undefined` when the machine is about to be powered off.
   */
  clean(
    guest: Guest,
    input: { plan: VmPlan; stay: readonly string[] | undefined; io: Io },
  ): Promise<void>;
  /** Copies in what is shared as a copy. */
  copyIn(input: SetupInput, io: Io): Promise<void>;
  /** Does in a template what each clone will do first: it is in its memory then. */
  warmUp(guest: Guest, plan: VmPlan, io: Io): Promise<void>;
  /** Starts what a template has stopped, and waits for the services of the plan. */
  startServices(input: SetupInput, io: Io): Promise<void>;
  postCommands(input: SetupInput, io: Io): Promise<void>;
  /** Identity, workstation facts, shares, packages, services, steps: everything of the plan but its own commands, in order. */
  provision(input: SetupInput, workstation: Workstation, io: Io): Promise<void>;
  /**
   * Tells the guest's programs their way out, when that is another one than they were told: at the first boot, once the
   * network is closed, and at a start after the file has changed. The project's own commands are told too.
   */
  tellEgress(input: SetupInput, workstation: Workstation, io: Io): Promise<void>;
  /** The project's own commands, as units: they are started when the network is as they will always have it. */
  startCommands(input: SetupInput, workstation: Workstation, io: Io): Promise<void>;
  /** What a machine that came from a template has written so far is on its disk when this returns. */
  flush(input: SetupInput, io: Io): Promise<void>;
  /** What a template's machine is, to be read before its memory is kept. Changes nothing. */
  baseline(input: Pick<SetupInput, 'plan' | 'guest'>, io: Io): Promise<IdentityBaseline>;
  /**
   * Makes a machine that came from a template itself, by its resident helper: clock, random numbers, names, keys,
   * variables, shares. Then reads every item back by another way. Fails with `guest-failed`, `facts.items` naming what is
   * not right: the machine must not be used then.
   */
  introduce(input: SetupInput, introduction: Introduction, io: Io): Promise<IdentityReport>;
  /** The same report of a machine that runs, whatever it came from. Changes nothing, and what is not right is no failure. */
  identity(input: SetupInput, known: KnownIdentity, io: Io): Promise<IdentityReport>;
  /** Sees to it that a booted guest has the shares of the plan mounted; fails with `guest-failed` when one is not. */
  verifyShares(input: SetupInput, io: Io): Promise<void>;
  /** Hands secrets over in memory, and starts the services that get them. May be repeated. */
  deliverSecrets(input: SetupInput, secrets: readonly SecretValue[], io: Io): Promise<void>;
  /** Takes them away again, before the guest's memory is kept. May be repeated. */
  removeSecrets(input: SetupInput, io: Io): Promise<void>;
  /** Lets these keys log in, beside those of the plan, and no others: at each moment the earlier ones or these. */
  authorize(input: SetupInput, own: readonly string[], io: Io): Promise<void>;
  /** Sets or takes away a password; what goes into the guest is its hash. May be repeated. */
  setPassword(guest: Guest, change: PasswordChange, io: Io): Promise<void>;
  /** Its first half: the hash waits in the guest's memory. Changes no account. */
  preparePassword(
    guest: Guest,
    change: Pick<PasswordChange, 'user' | 'password'>,
    io: Io,
  ): Promise<void>;
  /** Its second half: what waits is set, and waits no more. Nothing waits: nothing is done. */
  applyPassword(guest: Guest, use: PasswordUse, io: Io): Promise<void>;
  /** What waits goes. May be repeated. */
  dropPassword(guest: Guest, io: Io): Promise<void>;
  mounted(guest: Guest, io: Io): Promise<readonly string[]>;
}

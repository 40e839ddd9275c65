import type { Ctx } from '../core/ctx.ts';
import type { Secret } from '../core/secret.ts';
import type { ShowOnTerminal } from '../ops/login-password.ts';
import type { TrustChoice } from '../ops/trust.ts';
import type { PasswordAsk } from './ask-password.ts';
import type { Colors } from './colors.ts';
import type { Globals } from './globals.ts';
import type { OptionSpecs, OptionValues } from './option.ts';

export interface ArgumentSpec {
  readonly summary: string;
  readonly required?: true;
  /** Takes all the words that are left, none too; only the last one may. */
  readonly many?: true;
}

/** In the order of the command line: required ones first. */
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

export type ArgumentValues<S extends ArgumentSpecs> = {
  readonly [K in keyof S]: S[K] extends { many: true }
    ? readonly string[]
    : S[K] extends { required: true }
      ? string
      : string | undefined;
};

export interface Example {
  readonly line: string;
  readonly what: string;
}

/** The streams of this process, as far as a command may touch them itself. */
export interface Streams {
  readonly stdinIsTty: boolean;
  readonly stdoutIsTty: boolean;
  /** Passes bytes of the guest on as they are. */
  write(stream: 'stdout' | 'stderr', chunk: Uint8Array): void;
}

/** What a command gets: the graph, its own words, and whom to ask. */
export interface Invocation<A extends ArgumentSpecs, O extends OptionSpecs> {
  readonly ctx: Ctx;
  readonly args: ArgumentValues<A>;
  readonly options: OptionValues<O>;
  /** The words after `--`, for the guest. */
  readonly guestArgv: readonly string[];
  readonly globals: Globals;
  readonly cwd: string;
  readonly streams: Streams;
  /** Asks on the terminal; true with `--yes`. Fails with `usage` where nobody can answer. */
  readonly confirm: (question: string) => Promise<boolean>;
  /**
   * How a new password is come by, to be called when it is wanted. Fails with `usage` at once where nobody can be asked
   * and it is not to come by standard input either.
   */
  readonly askPassword: (ask: PasswordAsk) => () => Promise<Secret>;
  /** Writes lines to the terminal of whoever called, past everything that is kept; `undefined` where there is none. */
  readonly show: ShowOnTerminal | undefined;
  /** Whether a project may reach outside its directory: `--trust`, never `--yes`, or whoever sits at the terminal. */
  readonly trust: TrustChoice;
}

/** How to draw for people. */
export interface Look {
  readonly colors: Colors;
  /** Columns of the terminal; infinite where the reader is a program. */
  readonly columns: number;
}

/**
 * A command as data; help, reference and completion are drawn from it. Its module loads what it runs by `import()`,
 * so that asking for help costs nothing. Name and summary are in the registry.
 */
export interface CommandSpec<A extends ArgumentSpecs, O extends OptionSpecs, R> {
  /** Sentences; an empty line parts paragraphs. */
  readonly description: string;
  readonly arguments: A;
  readonly options: O;
  /** Words after `--` are for the guest. */
  readonly guestArgv?: 'required' | 'optional';
  /** Takes over the terminal, so that there is no JSON document: why, as the end of a sentence. */
  readonly terminal?: string;
  readonly examples: readonly Example[];
  /** Calls one op and returns its data: the document of `--json`. */
  run(invocation: Invocation<A, O>): Promise<R>;
  /** The data as lines for people. */
  render(data: R, look: Look): readonly string[] | Promise<readonly string[]>;
  /** The exit code of data that is not simply success. */
  exitCode?(data: R): number;
}

export type Command = CommandSpec<ArgumentSpecs, OptionSpecs, unknown>;

/** Gives a command its types; changes nothing. */
export function defineCommand<A extends ArgumentSpecs, O extends OptionSpecs, R>(
  spec: CommandSpec<A, O, R>,
): Command {
  // A command is only ever run with the values that were parsed from its own specs.
  return spec as unknown as Command;
}

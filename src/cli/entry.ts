import type { Command } from './command.ts';

/** A command as far as the list of commands needs it; the rest is loaded when it is used. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  load(): Promise<Command>;
}

/** Commands below one word: `image list`. */
export interface GroupEntry {
  readonly name: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  readonly commands: readonly CommandEntry[];
}

export type Entry = CommandEntry | GroupEntry;

export interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** True for a word that has commands below it. */
export function isGroup(entry: Entry): entry is GroupEntry {
  return 'commands' in entry;
}

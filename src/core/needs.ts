import type { Finding } from './plan.ts';

/** A tool that a project is worked on with: a language, its package manager, a build tool. */
export interface NeededTool {
  /** The field's own short name: node, npm, pnpm, python, go, rust, java, maven, ruby, php, composer, make. */
  readonly name: string;
  /** The versions that will do, as a range of node-semver; `undefined`: any. */
  readonly range: string | undefined;
  readonly finding: Finding;
}

/** A package by its name in Debian, that no tool stands for: a library to compile against. */
export interface NeededPackage {
  readonly name: string;
  readonly finding: Finding;
}

/** A server that a project talks to. Only names are ever read, never credentials. */
export interface NeededService {
  /** The field's own short name: postgresql, mysql, mariadb, redis, memcached, rabbitmq, mongodb, nginx. */
  readonly name: string;
  /** The versions that will do, as a range of node-semver; `undefined`: any. */
  readonly range: string | undefined;
  /** Databases of it that are named. */
  readonly databases: readonly string[];
  /** Names that the project logs in with. Their passwords are not read. */
  readonly roles?: readonly string[];
  /** Names of hosts that the project's programs know it by. */
  readonly hosts?: readonly string[];
  readonly finding: Finding;
}

/** A port that the project's own program listens on. */
export interface NeededPort {
  readonly port: number;
  /** What the file calls that program, if it has names for them. */
  readonly unit?: string;
  readonly finding: Finding;
}

/** A long-running command that the project declares. */
export interface NeededRun {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number | undefined;
  /** The directory of the project that it is run in; the project's own when there is none. */
  readonly directory?: string;
  readonly finding: Finding;
}

/** A command line that makes the project's own dependencies, run in its directory as the user. */
export interface NeededSetup {
  readonly command: string;
  readonly finding: Finding;
}

/** What a project needs, as its own files say. Of two findings of one thing the first is the better one. */
export interface ProjectNeeds {
  /** By their own names: Node.js, Python, Go. */
  readonly ecosystems: readonly string[];
  readonly tools: readonly NeededTool[];
  readonly packages: readonly NeededPackage[];
  readonly services: readonly NeededService[];
  readonly ports: readonly NeededPort[];
  readonly run: readonly NeededRun[];
  readonly setup: readonly NeededSetup[];
  /** What was seen and not understood, or cannot be done: one sentence each. */
  readonly notes: readonly string[];
}

export const noNeeds: ProjectNeeds = {
  ecosystems: [],
  tools: [],
  packages: [],
  services: [],
  ports: [],
  run: [],
  setup: [],
  notes: [],
};

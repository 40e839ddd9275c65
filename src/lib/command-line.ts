/** A command line taken apart: no shell is needed to run it. */
export interface Command {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const plainWord = /^[\w@%+=:,./-]+$/;
const assignment = /^([A-Za-z_]\w*)=(.*)$/;

/** Splits `A=1 program argument`; `undefined` when a shell would see more in it than words. */
export function readCommand(line: string): Command | undefined {
  const words = line.trim().split(/[ \t]+/);
  if (!words.every((word) => plainWord.test(word))) return undefined;
  const first = words.findIndex((word) => !assignment.test(word));
  if (first < 0) return undefined;
  const pairs = words.slice(0, first).map((word): [string, string] => {
    const [, name = '', value = ''] = assignment.exec(word) ?? [];
    return [name, value];
  });
  return { command: words.slice(first), env: Object.fromEntries(pairs) };
}

/** The port that a command line names outright, as `PORT=8080` or `--port 8080`. */
export function portOf(line: string): number | undefined {
  const match = /(?:^|\s)(?:PORT=|--port[ =])(\d{1,5})(?=\s|$)/.exec(line);
  return toPort(match?.[1]);
}

/** A port from a value that others wrote, or `undefined`. */
export function toPort(value: unknown): number | undefined {
  const port = /^\d{1,5}$/.test(String(value)) ? Number(value) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

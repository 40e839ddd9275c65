import { linesOf } from './text.ts';

/** One instruction of a Dockerfile: `FROM`, and what stands after it. */
export interface Instruction {
  readonly name: string;
  readonly rest: string;
}

const mostInstructions = 500;
const longest = 8000;

/** The instructions of a Dockerfile, those over several lines joined; comments and what is no instruction left out. */
export function instructionsOf(text: string): Instruction[] {
  const instructions: Instruction[] = [];
  let open = '';
  for (const line of linesOf(text)) {
    if (/^\s{0,200}#/.test(line)) continue;
    const goesOn = /[\\`]\s{0,20}$/.test(line) && !/[\\`]{2}\s{0,20}$/.test(line);
    const part = goesOn ? line.trimEnd().slice(0, -1) : line;
    // What is longer than anybody writes is cut, not read.
    if (open.length < longest) open += `${part} `;
    if (goesOn) continue;
    const match = /^\s{0,200}([A-Za-z]{2,12})\s+(\S.*)$/.exec(open);
    open = '';
    if (match === null) continue;
    instructions.push({ name: (match[1] ?? '').toUpperCase(), rest: (match[2] ?? '').trim() });
    if (instructions.length >= mostInstructions) break;
  }
  return instructions;
}

/** The values of `ARG NAME=value` and `ENV NAME=value`, as far as they are plain. */
export function variablesOf(instructions: readonly Instruction[]): Map<string, string> {
  const variables = new Map<string, string>();
  const pair = /([A-Za-z_]\w{0,60})=(?:"([^"\n]{0,400})"|'([^'\n]{0,400})'|([^\s"']{0,200}))/g;
  for (const { name, rest } of instructions) {
    if (name !== 'ARG' && name !== 'ENV') continue;
    for (const [, key = '', double, single, plain] of rest.slice(0, 2000).matchAll(pair)) {
      // The first one is the default of the build.
      if (!variables.has(key)) variables.set(key, double ?? single ?? plain ?? '');
    }
  }
  return variables;
}

/** A text with `${NAME}`, `${NAME:-default}` and `$NAME` replaced; what has no value is nothing. */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  const reference = /\$(?:\{(\w{1,60})(?::?-([^}]{0,100}))?\}|(\w{1,60}))/g;
  let whole = '';
  let from = 0;
  const source = text.slice(0, longest);
  for (const match of source.matchAll(reference)) {
    const [all, braced, fallback, bare] = match;
    whole +=
      source.slice(from, match.index) + (variables.get(braced ?? bare ?? '') ?? fallback ?? '');
    from = match.index + all.length;
  }
  return (whole + source.slice(from)).slice(0, longest);
}

/** The words of the exec form, `["node", "server.js"]`; `undefined` for the shell form. */
export function execForm(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined;
  try {
    const words: unknown = JSON.parse(rest);
    if (!Array.isArray(words) || words.length > 50) return undefined;
    return words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined;
  }
}

/** The words after each call of an installer in a `RUN`: `apt-get install -y a b`, `apk add a`. Options are left out. */
export function wordsAfter(rest: string, call: RegExp): string[] {
  return rest.split(/&&|\|\||[;|&()]/, 200).flatMap((part) => {
    const match = call.exec(part);
    if (match === null) return [];
    const words = part.slice(match.index + match[0].length).split(/\s+/, 300);
    return words.flatMap((word, index) => {
      if (word === '' || word.startsWith('-') || /[<>]/.test(word)) return [];
      // `-t bookworm-backports`, `--virtual .build-deps`: the word after it is the option's own.
      if (/^(?:-[to]|--target-release|--virtual|-t|--repository)$/.test(words[index - 1] ?? ''))
        return [];
      return [word.replace(/^["']|["']$/g, '')];
    });
  });
}

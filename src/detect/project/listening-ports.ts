import type { NeededPort } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { toPort } from '../../lib/command-line.ts';
import { isServicePort } from './known-services.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import { nodeServers } from './servers.ts';
import { guess, isAside, likely, linesOf, nameOfFile } from './text.ts';

/** The files that programs are usually started by, at the top and one level below. */
const mainFile =
  /^((src|app|server|api|cmd|lib|bin|config)\/)?((server|index|app|main|www)\.([cm]?[jt]s)|(main|app|server|wsgi|asgi)\.py|(main|server)\.go|main\.rs|puma\.rb)$/;
/** Settings that show what there is; never those with the secrets. */
const examples = /^\.env\.(example|sample|template|dist|defaults)$/;

const longest = 262_144;
const mostFiles = 40;

/** What a line of a program says about where it listens, each with one number. */
const patterns: readonly RegExp[] = [
  /\.listen\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b/,
  /\bPORT\b[^\n]{0,60}?(?:\|\||\?\?)\s*['"]?(\d{2,5})\b/,
  /\bgetenv\(\s*['"]PORT['"]\s*,\s*['"]?(\d{2,5})\b/,
  /\benviron(?:\.get)?\(\s*['"]PORT['"]\s*,\s*['"]?(\d{2,5})\b/,
  /\b(?:run|serve|Server)\([^\n]{0,120}?\bport\s*=\s*(\d{2,5})\b/,
  /\bListenAndServe(?:TLS)?\(\s*"[\w.]{0,60}:(\d{2,5})"/,
  /\bnet\.Listen\(\s*"tcp"\s*,\s*"[\w.]{0,60}:(\d{2,5})"/,
  /\b(?:HTTPServer|TCPServer)\(\s*\(\s*['"][\w.]{0,60}['"]\s*,\s*(\d{2,5})\b/,
  /^\s{0,20}(?:export\s)?\s{0,5}(?:const|let|var|final|static)?\s{0,5}(?:PORT|port)\s{0,5}(?::\s{0,5}\w{1,10})?\s{0,5}=\s{0,5}(\d{4,5})\s{0,5}[;,]?\s{0,20}$/,
  /\bport\s+ENV\.fetch\(\s*['"]PORT['"]\s*\)?\s*[{,]\s*(\d{2,5})\b/,
  /\.bind\(\s*(?:\(\s*)?["'][\d.]{7,15}:(\d{2,5})["']/,
];

/** Ports that the project's own program listens on, as its main files, its settings and its scripts say. */
export const listeningPorts: ProjectReader = {
  name: 'ports',
  wants: (path) =>
    !isAside(path) && (mainFile.test(path) || examples.test(path) || path === 'package.json'),
  read(files) {
    return {
      ports: files.slice(0, mostFiles).flatMap((file) => {
        if (file.path === 'package.json') return portsOfScripts(file);
        return examples.test(nameOfFile(file.path)) ? portsOfSettings(file) : portsOfCode(file);
      }),
    };
  },
};

function portsOfCode({ path, text }: ProjectFile): NeededPort[] {
  return linesOf(text.slice(0, longest)).flatMap((line) => {
    if (/^\s*(\/\/|#|\*)/.test(line)) return [];
    const found = patterns
      .map((pattern) => pattern.exec(line)?.[1])
      .find((one) => one !== undefined);
    return portWith(found, likely(path, `it listens on ${found}`));
  });
}

function portsOfSettings({ path, text }: ProjectFile): NeededPort[] {
  const [, found] =
    /^\s{0,8}(?:APP_|SERVER_|HTTP_|WEB_)?PORT\s{0,4}=\s{0,4}["']?(\d{2,5})\b/m.exec(text) ?? [];
  return portWith(found, likely(path, `its PORT is ${found}`));
}

function portsOfScripts({ path, text }: ProjectFile): NeededPort[] {
  const [, line = ''] = /"(?:start|dev|serve)"\s{0,8}:\s{0,8}"([^"\n]{1,300})"/.exec(text) ?? [];
  const words = line.split(/\s+/);
  const server = words.find((word) => Object.hasOwn(nodeServers, word));
  if (server === undefined) return [];
  const own = /(?:--port[ =]|-p )(\d{2,5})\b/.exec(line)?.[1];
  const finding = guess(path, `where ${server} listens`);
  return portWith(own ?? nodeServers[server]?.port, finding);
}

function portWith(found: string | number | undefined, finding: Finding): NeededPort[] {
  const port = toPort(found);
  return port === undefined || isServicePort(port) ? [] : [{ port, finding }];
}

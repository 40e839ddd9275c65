/** How a program listens that serves while it is worked on. */
export interface UsualServer {
  readonly port: number;
  /** What makes it listen for more than its own computer, where it does not by itself. */
  readonly host?: string;
}

const everywhere = '--host 0.0.0.0';

/** Development servers of Node.js, by the word that starts them. */
export const nodeServers: Readonly<Record<string, UsualServer>> = {
  vite: { port: 5173, host: everywhere },
  next: { port: 3000 },
  nuxt: { port: 3000, host: everywhere },
  astro: { port: 4321, host: everywhere },
  ng: { port: 4200, host: everywhere },
  'react-scripts': { port: 3000 },
  'react-router': { port: 5173, host: everywhere },
  remix: { port: 3000 },
  'vue-cli-service': { port: 8080 },
  'webpack-dev-server': { port: 8080, host: everywhere },
  vitepress: { port: 5173, host: everywhere },
  docusaurus: { port: 3000, host: everywhere },
  gatsby: { port: 8000, host: everywhere },
  eleventy: { port: 8080 },
  parcel: { port: 1234 },
};

interface CommandServer {
  readonly pattern: RegExp;
  readonly port: number;
  /** Variables that make it listen for more than its own computer, at this port. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Servers of other languages, by the command lines that start them. */
const commandServers: readonly CommandServer[] = [
  { pattern: /(?:^|[\s/])rails\s+(?:server|s)\b/, port: 3000, env: { BINDING: '0.0.0.0' } },
  { pattern: /(?:^|[\s/])puma\b/, port: 9292 },
  { pattern: /(?:^|[\s/])rackup\b/, port: 9292, env: { HOST: '0.0.0.0' } },
  { pattern: /\bmix\s+phx\.server\b/, port: 4000 },
  { pattern: /\bflask\b.{0,100}\brun\b/, port: 5000, env: { FLASK_RUN_HOST: '0.0.0.0' } },
  { pattern: /\bmanage(?:\.py)?\s+runserver\b/, port: 8000 },
  { pattern: /(?:^|[\s/])uvicorn\b/, port: 8000, env: { UVICORN_HOST: '0.0.0.0' } },
  { pattern: /(?:^|[\s/])gunicorn\b/, port: 8000, env: { PORT: '8000' } },
  { pattern: /\bartisan\s+serve\b/, port: 8000 },
  { pattern: /\bfastapi\s+run\b/, port: 8000 },
  { pattern: /\bstreamlit\s+run\b/, port: 8501 },
  { pattern: /\bspring-boot:run\b|\bbootRun\b/, port: 8080 },
  { pattern: /\bhugo\s+server\b/, port: 1313 },
];

const written =
  /(?:--port[ =]|--bind[ =]\S{0,60}:|--binding[ =]\S{0,60}:|(?:^|\s)-b\s\S{0,60}:|(?:^|\s)-p[ ]?|\brunserver\s+(?:\S{1,60}:)?|--http-socket[ =]\S{0,60}:|\bPORT=)(\d{2,5})(?=\s|$)/;
const hasHost = /(?:^|\s)(?:--host|--bind|--binding|--hostname|-b|-h|-o)(?:[ =]|$)|\brunserver\s+0/;

/** The port at which a command line serves, as it says or as is usual, and what else it needs to be reached there. */
export function serverOf(
  line: string,
): { port: number; env: Readonly<Record<string, string>> } | undefined {
  const server = commandServers.find(({ pattern }) => pattern.test(line.slice(0, 500)));
  if (server === undefined) return undefined;
  const own = written.exec(line.slice(0, 500))?.[1];
  const port = own === undefined ? server.port : Number(own);
  if (port < 1 || port > 65_535) return undefined;
  return { port, env: hasHost.test(line) ? {} : (server.env ?? {}) };
}

import type { ProjectTexts } from './reader.ts';

/** Programs that only start another one. */
const wrapper =
  /(?:^|\/)(?:tini|dumb-init|catatonit|env|gosu|su-exec|(?:docker-)?entrypoint(?:\.sh)?|docker-entrypoint[\w.-]{0,20})$/;

/** Programs that a guest has by the project's tools and dependencies. */
const programs = new Set([
  ...['npm', 'npx', 'pnpm', 'yarn', 'bun', 'node', 'deno', 'next', 'nest'],
  ...[
    'python',
    'python3',
    'flask',
    'gunicorn',
    'uvicorn',
    'fastapi',
    'hypercorn',
    'daphne',
    'celery',
    'streamlit',
  ],
  ...['uv', 'poetry', 'pipenv', 'pdm', 'go', 'cargo', 'mix', 'php', 'composer'],
  ...['ruby', 'bundle', 'rails', 'rackup', 'puma', 'rake', 'mvn', 'gradle', 'make', 'just'],
]);

/** Places where a build leaves what it has made. */
const built =
  /(?:^|\/)(?:dist|build|out|target|publish|\.next|\.output|\.build|_build|release|node_modules)\/|\.(?:jar|war|dll)$/;

/**
 * The words of an image's command that a guest with the project in it can start, without wrappers; `undefined` when it
 * is a program of the image, or needs a file that the project has not.
 */
export function startable(words: readonly string[], tree: ProjectTexts): string[] | undefined {
  let rest = [...words];
  for (let count = 0; count < 5 && wrapper.test(rest[0] ?? ''); count += 1) {
    rest = rest.slice(1);
    while (rest[0]?.startsWith('-')) rest = rest.slice(1);
  }
  const [program = '', ...args] = rest;
  const own = program.replace(/^\.\//, '');
  if (program === '' || rest.some((word) => built.test(word) || word.startsWith('/')))
    return undefined;
  const isOwn = (program.startsWith('./') || program.startsWith('bin/')) && tree.has(own);
  if (!programs.has(program) && !isOwn) return undefined;
  // A script that is not there would be made by the build.
  if (['node', 'python', 'python3', 'ruby', 'php'].includes(program)) {
    const script = args.find((word) => !word.startsWith('-'));
    const isModule = args.includes('-m') || args.includes('-e') || args.includes('-S');
    if (script === undefined || (!isModule && !tree.has(script.replace(/^\.\//, ''))))
      return undefined;
  }
  return rest;
}

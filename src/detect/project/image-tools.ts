import type { NeededTool } from '../../core/needs.ts';
import type { Finding } from '../../core/plan.ts';
import { rangeFrom, rangeOfJava, rangeOfPin } from './constraint.ts';

/** Images of tools, by the last part of their names: official ones, of makers, of CI services, of dev containers. */
const images = new Map<string, string>([
  ...named('node', ['node', 'typescript-node', 'javascript-node', 'nodejs']),
  ...named('python', [
    'python',
    'pypy',
    'anaconda',
    'uvicorn-gunicorn-fastapi',
    'uwsgi-nginx-flask',
  ]),
  ...named('go', ['golang', 'go', 'go-toolset']),
  ...named('rust', ['rust', 'cargo-chef', 'rust-musl-builder']),
  ...named('ruby', ['ruby', 'ruby-rails', 'jekyll']),
  ...named('php', ['php', 'frankenphp', 'phpfpm', 'php-fpm']),
  ...named('java', ['openjdk', 'eclipse-temurin', 'amazoncorretto', 'zulu-openjdk', 'java']),
  ...named('java', ['liberica-openjdk-debian', 'liberica-openjdk-alpine', 'sapmachine', 'jdk']),
  ...named('maven', ['maven', 'maven-mvnd']),
  ...named('gradle', ['gradle']),
  ...named('dotnet', ['sdk', 'aspnet', 'dotnet']),
  ...named('elixir', ['elixir', 'phoenix']),
  ...named('erlang', ['erlang']),
  ...named('bun', ['bun']),
  ...named('deno', ['deno']),
  ...named('composer', ['composer']),
  ...named('uv', ['uv']),
  ...named('gcc', ['gcc', 'cpp']),
]);

function named(tool: string, names: readonly string[]): [string, string][] {
  return names.map((name) => [name, tool]);
}

const version = String.raw`(\d{1,4}(?:\.\d{1,4}){0,2})`;
const atStart = new RegExp(`^v?${version}`);
/** Of dev containers the first number is the image's own: `1-20-bookworm`, `dev-3.12`. */
const afterOwn = new RegExp(String.raw`^(?:dev-)?(?:[0-3](?:\.\d{1,3}){0,2}-)?${version}?`);
/** `3.9-eclipse-temurin-17`, `8.5-jdk17`, `21-jdk`. */
const javaInTag = /(?:jdk|temurin|corretto|openjdk|ibmjava|sapmachine|graal)-?(\d{1,2})(?![.\d])/;
const pythonInTag = /^(?:.{0,20}-)?python-?(\d\.\d{1,2})/;

/** A tool of an image, and the versions that its tag stands for. */
export interface ImageTool {
  readonly name: string;
  /** `undefined`: any, as of `latest`. */
  readonly range: string | undefined;
}

/** The tools that an image is of: `node:20-alpine`, `maven:3.9-eclipse-temurin-17`, `mcr.microsoft.com/devcontainers/go:1-1.22`. */
export function toolsOfImage(image: string): ImageTool[] {
  const [reference = ''] = image.slice(0, 300).split('@');
  const slash = reference.lastIndexOf('/');
  const [base = '', tag = ''] = reference.slice(slash + 1).split(':');
  const name = images.get(base);
  if (name === undefined) return [];
  const isDevContainer = /(?:^|\/)(?:vscode\/)?devcontainers\//.test(reference);
  const own = (isDevContainer ? afterOwn : atStart).exec(tag)?.[1];
  const java = javaInTag.exec(tag)?.[1];
  if (name === 'maven' || name === 'gradle') {
    return [
      { name, range: pin(own) },
      ...(java ? [{ name: 'java', range: rangeOfJava(java) }] : []),
    ];
  }
  if (name === 'java') {
    const written = own ?? java;
    return [{ name, range: written && rangeOfJava(`${written}.`) }];
  }
  const python = pythonInTag.exec(tag)?.[1];
  if (name === 'uv')
    return python
      ? [
          { name: 'python', range: pin(python) },
          { name, range: undefined },
        ]
      : [];
  if (base.startsWith('uv') || base === 'cargo-chef' || base === 'frankenphp') {
    // The tag counts the image's versions, with that of the language after its name.
    const language = new RegExp(`(?:^|-)(?:python|rust|php)-?${version}`).exec(tag)?.[1];
    const range = base === 'cargo-chef' ? language && rangeFrom(language) : pin(language);
    return [{ name, range }];
  }
  // Newer ones of these build what older ones do, and the compiler of gcc is the distribution's.
  if (name === 'go' || name === 'rust') return [{ name, range: own && rangeFrom(own) }];
  return [{ name, range: name === 'gcc' ? undefined : pin(own) }];
}

function pin(written: string | undefined): string | undefined {
  return written === undefined ? undefined : rangeOfPin(written);
}

/** The same as needs, for one reason. */
export function neededOfImage(image: string, finding: Finding): NeededTool[] {
  return toolsOfImage(image).map((tool) => ({ ...tool, finding }));
}

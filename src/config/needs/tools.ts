import type { Release } from './release.ts';

/** Packages that bring a tool, and the version they bring by release; a release that has them not is left out. */
export interface ToolChoice {
  readonly packages: readonly string[];
  readonly versions: Readonly<Partial<Record<Release, string>>>;
}

type Row = readonly [debian12: string, debian13: string, ubuntu22: string, ubuntu24: string];

/** In the order of `releases`; an empty text: this release has no such package. */
function has(packages: string, row: Row): ToolChoice {
  const [debian12, debian13, ubuntu22, ubuntu24] = row;
  const versions = {
    ...(debian12 && { 'debian:12': debian12 }),
    ...(debian13 && { 'debian:13': debian13 }),
    ...(ubuntu22 && { 'ubuntu:22.04': ubuntu22 }),
    ...(ubuntu24 && { 'ubuntu:24.04': ubuntu24 }),
  };
  return { packages: packages.split(' '), versions };
}

/**
 * Every tool that the distributions have, best choice first. npm is not among them: it would bring 400 packages, among
 * them Python and a compiler. Versions are those of the releases as they were frozen; updates
 * within a release keep to them.
 */
export const tools: Readonly<Record<string, readonly ToolChoice[]>> = {
  node: [has('nodejs', ['18.20.4', '20.19.2', '12.22.9', '18.19.1'])],
  python: [
    has('python3 python3-venv python3-pip python-is-python3', [
      ...(['3.11.2', '3.13.5', '3.10.12', '3.12.3'] as const),
    ]),
  ],
  poetry: [has('python3-poetry', ['1.3.2', '2.1.2', '1.1.12', '1.8.2'])],
  pipenv: [has('pipenv', ['2022.12.19', '2024.4.0', '11.9.0', '2023.12.1'])],
  pdm: [has('python3-pdm', ['2.2.1', '2.20.1', '', '2.12.2'])],
  hatch: [has('python3-hatch', ['', '1.14.1', '', ''])],
  go: [has('golang-go', ['1.19.8', '1.24.4', '1.18.1', '1.22.2'])],
  rust: [has('rustc cargo', ['1.63.0', '1.85.0', '1.75.0', '1.75.0'])],
  java: [
    has('openjdk-21-jdk-headless', ['', '21.0.8', '21.0.7', '21.0.7']),
    has('openjdk-17-jdk-headless', ['17.0.16', '', '17.0.15', '17.0.15']),
    has('openjdk-25-jdk-headless', ['', '25.0.0', '', '']),
    has('openjdk-11-jdk-headless', ['', '', '11.0.27', '11.0.27']),
    has('openjdk-8-jdk-headless', ['', '', '8.0.452', '8.0.452']),
  ],
  maven: [has('maven', ['3.8.7', '3.9.9', '3.6.3', '3.8.7'])],
  gradle: [has('gradle', ['4.4.1', '4.4.1', '4.4.1', '4.4.1'])],
  ruby: [has('ruby-full ruby-bundler', ['3.1.2', '3.3.8', '3.0.2', '3.2.3'])],
  bundler: [has('ruby-bundler', ['2.3.15', '2.6.7', '2.3.5', '2.4.20'])],
  php: [has('php-cli', ['8.2.29', '8.4.11', '8.1.2', '8.3.6'])],
  // Without unzip it fetches the history of every dependency.
  composer: [has('composer unzip', ['2.5.5', '2.8.8', '2.2.6', '2.7.1'])],
  elixir: [has('elixir erlang', ['1.14.0', '1.18.3', '1.12.2', '1.14.0'])],
  erlang: [has('erlang', ['25.2.3', '27.3.4', '24.2.1', '25.3.2'])],
  kotlin: [has('kotlin', ['1.3.31', '1.3.31', '1.3.31', '1.3.31'])],
  make: [has('make', ['4.3.0', '4.4.1', '4.3.0', '4.3.0'])],
  gcc: [has('build-essential', ['12.2.0', '14.2.0', '11.2.0', '13.2.0'])],
  cmake: [has('cmake', ['3.25.1', '3.31.6', '3.22.1', '3.28.3'])],
  meson: [has('meson ninja-build', ['1.0.1', '1.7.0', '0.61.2', '1.3.2'])],
  ninja: [has('ninja-build', ['1.11.1', '1.12.1', '1.10.1', '1.11.1'])],
  just: [has('just', ['', '1.40.0', '', '1.21.0'])],
  docker: [has('docker.io', ['20.10.24', '26.1.5', '24.0.7', '24.0.7'])],
  podman: [has('podman', ['4.3.1', '5.4.2', '3.4.4', '4.9.3'])],
  nix: [has('nix-bin', ['2.8.0', '2.26.3', '2.6.0', '2.18.1'])],
  git: [has('git', ['2.39.5', '2.47.3', '2.34.1', '2.43.0'])],
};

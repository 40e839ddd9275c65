import { describe, expect, it } from 'vitest';
import { needsOfTexts, packagesOf, toolsOf } from '../../../test/fixtures/project-texts.ts';

describe('a dev container', () => {
  const container = (text: string) => ({ '.devcontainer/devcontainer.json': text });

  it('has tools by its image and its features, with comments and commas as people write them', () => {
    const text = `{
      // "image": "ruby:2.7",
      "image": "mcr.microsoft.com/devcontainers/python:1-3.12-bookworm", /* a // b */
      "features": {
        "ghcr.io/devcontainers/features/node:1": { "version": "20", },
        "ghcr.io/devcontainers/features/java:1": { "version": "21-tem", "installMaven": "true" },
        "ghcr.io/devcontainers/features/go:1": "1.22",
        "ghcr.io/devcontainers/features/docker-in-docker:2": {},
        "ghcr.io/itsmechlark/features/redis-server:1": {},
        "ghcr.io/rocker-org/devcontainer-features/apt-packages:1": { "packages": "jq,libpq-dev,odd" },
        "ghcr.io/x/y/azure-cli:1": {},
      },
      "forwardPorts": [3000, 5432, "db:5432", "8080",],
      "postCreateCommand": "npm ci && npm run build",
    }`;
    const needs = needsOfTexts(container(text));
    expect(toolsOf(container(text))).toEqual([
      ...['python >=3.12.0 <3.13.0', 'node >=20.0.0 <21.0.0', 'java >=21.0.0 <22.0.0'],
      ...['go >=1.22.0 <1.23.0', 'maven any'],
    ]);
    expect(needs.services.map(({ name }) => name)).toEqual(['redis']);
    expect(packagesOf(container(text))).toEqual(['jq', 'libpq-dev']);
    expect(needs.ports.map(({ port }) => port)).toEqual([3000, 8080]);
    expect(needs.setup).toMatchObject([{ command: 'npm ci && npm run build' }]);
    expect(needs.notes).toEqual([
      'the feature "azure-cli" of .devcontainer/devcontainer.json is left out: it is not known',
    ]);
  });

  it('sets nothing up where the project says how, and never as root', () => {
    const own = container('{"postCreateCommand":"npm install"}');
    const files = { ...own, 'package.json': '{"dependencies":{"a":"1"}}' };
    expect(needsOfTexts(files).setup.map(({ command }) => command)).toEqual(['npm install']);
    expect(needsOfTexts(files).setup[0]?.finding.source).toBe('package.json');
    const needs = needsOfTexts(container('{"postCreateCommand":"sudo chown -R me ."}'));
    expect([needs.setup, needs.notes.length]).toEqual([[], 1]);
  });

  it('that is not valid is a note', () => {
    expect(needsOfTexts(container('{ "image": "a')).notes).toHaveLength(1);
    expect(needsOfTexts(container('{} /*')).notes).toEqual([]);
    expect(needsOfTexts(container('{"a": "// , }"}')).notes).toEqual([]);
  });
});

describe('a shell of Nix', () => {
  it('has tools and packages by a table of names; the others are told', () => {
    const text = `{ outputs = { self, nixpkgs }: {
      devShells.default = pkgs.mkShell {
        # buildInputs = [ pkgs.ruby_3_3 ];
        nativeBuildInputs = with pkgs; [ nodejs_20 pkg-config (python312.withPackages (ps: [ ps.numpy ])) ];
        packages = [ pkgs.go_1_22 pkgs.jdk17 pkgs.php83 pkgs.openssl pkgs.postgresql_16 pkgs.terraform ];
      };
    }; }`;
    const needs = needsOfTexts({ 'flake.nix': text });
    expect(toolsOf({ 'flake.nix': text })).toEqual([
      ...['node >=20.0.0 <21.0.0', 'python >=3.12.0 <3.13.0', 'go >=1.22.0 <1.23.0'],
      ...['java >=17.0.0 <18.0.0', 'php >=8.3.0 <8.4.0'],
    ]);
    expect(packagesOf({ 'flake.nix': text })).toEqual(['libssl-dev', 'pkg-config']);
    expect(needs.services).toMatchObject([
      { name: 'postgresql', finding: { confidence: 'guess' } },
    ]);
    expect(needs.notes).toEqual(['flake.nix has what is not known here: terraform']);
  });
});

describe('CI', () => {
  const workflow = `
env: { PY: '3.11' }
jobs:
  test:
    strategy: { matrix: { node: [18.x, 20.x, lts/*] } }
    services:
      db: { image: 'postgres:16', env: { POSTGRES_PASSWORD: hunter2, POSTGRES_DB: ci } }
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: '\${{ matrix.node }}' }
      - uses: actions/setup-python@v5
        with: { python-version: '\${{ env.PY }}' }
`;
  const files = { '.github/workflows/ci.yml': workflow };

  it('says, as a guess, which versions, and which servers by name alone', () => {
    const needs = needsOfTexts(files);
    expect(toolsOf(files)).toEqual([
      ...['node >=18.0.0 <19.0.0 || >=20.0.0 <21.0.0', 'python >=3.11.0 <3.12.0'],
    ]);
    expect(needs.tools.every(({ finding }) => finding.confidence === 'guess')).toBe(true);
    expect(needs.services).toMatchObject([{ name: 'postgresql', databases: [], range: undefined }]);
    expect(JSON.stringify(needs)).not.toMatch(/hunter2/);
  });

  it('says nothing where the project itself does', () => {
    const own = {
      ...files,
      'go.mod': 'module x',
      'compose.yaml': 'services: { c: { image: redis } }',
    };
    expect(toolsOf(own)).toEqual(['go any']);
    expect(needsOfTexts(own).services.map(({ name }) => name)).toEqual(['redis']);
    expect(toolsOf({ ...files, Makefile: 'all:\n' })).toHaveLength(3);
  });

  it('of GitLab and CircleCI is an image and those beside it', () => {
    const gitlab =
      'image: node:20\nt:\n  image: { name: "python:3.12" }\n  services: [redis:7, {name: mysql:8}]\n';
    expect(toolsOf({ '.gitlab-ci.yml': gitlab })).toEqual([
      ...['node >=20.0.0 <21.0.0', 'python >=3.12.0 <3.13.0'],
    ]);
    expect(needsOfTexts({ '.gitlab-ci.yml': gitlab }).services.map(({ name }) => name)).toEqual([
      ...['redis', 'mysql'],
    ]);
    const circle =
      'jobs:\n  b:\n    docker:\n      - image: cimg/ruby:3.2.2\n      - image: cimg/postgres:14.0\n';
    const needs = needsOfTexts({ '.circleci/config.yml': circle });
    expect(toolsOf({ '.circleci/config.yml': circle })).toEqual(['ruby 3.2.2']);
    expect(needs.services.map(({ name }) => name)).toEqual(['postgresql']);
  });

  it('with many servers is that of a library', () => {
    const many = 'services: [redis, mysql, postgres, memcached]\n';
    expect(needsOfTexts({ '.gitlab-ci.yml': many }).services).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { needsOfTexts, packagesOf, toolsOf } from '../../../test/fixtures/project-texts.ts';

const docker = (...lines: string[]) => ({ Dockerfile: `${lines.join('\n')}\n` });

describe('the image of a Dockerfile', () => {
  it.each([
    ['node:20-alpine', ['node >=20.0.0 <21.0.0']],
    ['docker.io/library/node:lts', ['node any']],
    ['--platform=$BUILDPLATFORM golang:1.22.3-alpine AS build', ['go >=1.22.3']],
    ['python:3.12-slim-bookworm', ['python >=3.12.0 <3.13.0']],
    ['ghcr.io/astral-sh/uv:python3.12-bookworm-slim', ['python >=3.12.0 <3.13.0', 'uv any']],
    ['ruby:3.3', ['ruby >=3.3.0 <3.4.0']],
    ['rust:1.78', ['rust >=1.78.0']],
    ['php:8.3-fpm', ['php >=8.3.0 <8.4.0']],
    ['eclipse-temurin:17-jre-focal', ['java >=17.0.0 <18.0.0']],
    ['openjdk:8-jdk', ['java >=8.0.0 <9.0.0']],
    ['maven:3.9-eclipse-temurin-21', ['maven >=3.9.0 <3.10.0', 'java >=21.0.0 <22.0.0']],
    ['gradle:8.5.0-jdk17', ['gradle 8.5.0', 'java >=17.0.0 <18.0.0']],
    ['mcr.microsoft.com/dotnet/sdk:8.0', ['dotnet >=8.0.0 <8.1.0']],
    ['hexpm/elixir:1.16.2-erlang-26.2.4-debian-bookworm', ['elixir 1.16.2']],
    ['lukemathwalker/cargo-chef:latest-rust-1.80', ['rust >=1.80.0']],
    ['mcr.microsoft.com/devcontainers/typescript-node:1-20-bookworm', ['node >=20.0.0 <21.0.0']],
    ['mcr.microsoft.com/devcontainers/go:1-bookworm', ['go any']],
    ['scratch', []],
    ['debian:12', []],
  ])('%s is of %j', (image, tools) => {
    const found = toolsOf(docker(`FROM ${image}`));
    expect(found.toSorted()).toEqual(tools.toSorted());
  });

  it('may be named by an argument, and a stage is no image', () => {
    const text = docker(
      ...['ARG NODE=22-alpine', `FROM node:$\{NODE} AS node`, `FROM ruby:$\{RUBY:-3.3} as base`],
      'FROM node',
    );
    expect(toolsOf(text)).toEqual(['ruby >=3.3.0 <3.4.0', 'node >=22.0.0 <23.0.0'].toSorted());
  });

  it('comes after what the project itself says', () => {
    const files = { ...docker('FROM node:22'), 'package.json': '{"engines":{"node":">=20"}}' };
    expect(toolsOf(files)).toEqual(['node >=20.0.0', 'node >=22.0.0 <23.0.0', 'node any']);
  });
});

describe('what a Dockerfile installs', () => {
  it('is there as far as Debian has it; the rest is told, and plumbing is not', () => {
    const files = docker(
      'FROM debian:12',
      'ARG DEPS="libpq-dev zlib1g-dev"',
      'RUN apt-get update && apt-get -y install --no-install-recommends $DEPS \\',
      '  # a comment between',
      '  g++ libmysqlclient-dev=8.0 ca-certificates tzdata nodejs \\',
      '  -t bookworm-backports google-chrome-stable && rm -rf /var/lib/apt/lists/*',
      'RUN apk add --no-cache --virtual .deps vips-dev some-thing',
    );
    expect(packagesOf(files)).toEqual(
      [
        ...['build-essential', 'default-libmysqlclient-dev', 'libpq-dev', 'libvips-dev'],
        'zlib1g-dev',
      ].toSorted(),
    );
    expect(toolsOf(files)).toEqual(['node any']);
    expect(needsOfTexts(files).notes).toEqual([
      'installed by Dockerfile, not known here: google-chrome-stable',
    ]);
  });

  it('may be an extension of PHP', () => {
    const files = docker('FROM php:8.2', 'RUN docker-php-ext-install -j4 intl pdo_mysql');
    expect(packagesOf(files)).toEqual(['php-intl', 'php-mysql']);
  });
});

describe('what an image runs', () => {
  const runOf = (files: Readonly<Record<string, string>>, others: string[] = []) =>
    needsOfTexts(files, others).run.map(({ name, command }) => [name, command.join(' ')]);

  it('is the last choice, without what only starts it', () => {
    const files = docker(
      'FROM node:20',
      'EXPOSE 8080/tcp 9000/udp',
      'ENTRYPOINT ["/usr/bin/tini", "--"]',
      'CMD ["node", "server.js"]',
    );
    expect(runOf(files, ['server.js'])).toEqual([['web', 'node server.js']]);
    expect(needsOfTexts(files).ports.map(({ port }) => port)).toEqual([8080]);
    expect(runOf({ ...files, Procfile: 'api: node api.js' }, ['server.js'])).toEqual([
      ['api', 'node api.js'],
    ]);
  });

  it.each([
    ['a shell', 'CMD node server.js'],
    ['what a build makes', 'CMD ["node", "dist/server.js"]'],
    ['a file that is not there', 'CMD ["node", "api"]'],
    ['a program of the image', 'CMD ["/app/server"]'],
    ['a word with a space', 'CMD ["npm", "run a"]'],
  ])('is not %s', (_, command) => {
    expect(runOf(docker('FROM node:20', command), ['server.js'])).toEqual([]);
  });

  it('is nothing of the project when the last image is a proxy', () => {
    const needs = needsOfTexts(
      docker('FROM node:20', 'FROM nginx', 'EXPOSE 80', 'CMD ["npm", "start"]'),
    );
    expect([needs.run, needs.ports]).toEqual([[], []]);
  });
});

import { describe, expect, it } from 'vitest';
import { needsOfTexts, packagesOf, toolsOf } from '../../../test/fixtures/project-texts.ts';

const crate = (rest: string) => ({ 'Cargo.toml': `[package]\nname = "x"\n${rest}` });

describe('the versions of Rust', () => {
  it.each([
    [crate('rust-version = "1.70"\nedition = "2021"'), ['>=1.70.0', '>=1.56.0', 'any']],
    [crate('edition = "2024"'), ['>=1.85.0', 'any']],
    [crate(''), ['any']],
    [{ 'rust-toolchain': '1.75.0\n' }, ['1.75.0', 'any']],
    [{ 'rust-toolchain.toml': '[toolchain]\nchannel = "1.75"' }, ['>=1.75.0 <1.76.0', 'any']],
  ])('of %j are %j', (files, ranges) => {
    expect(toolsOf(files)).toEqual(ranges.map((range) => `rust ${range}`));
  });

  it('are any of a channel, and what only rustup installs is noted', () => {
    const stable = needsOfTexts({ 'rust-toolchain': 'stable' });
    expect(stable.tools[0]).toMatchObject({
      range: undefined,
      finding: { reason: 'its toolchain is stable' },
    });
    expect(stable.notes).toEqual([]);
    expect(needsOfTexts({ 'rust-toolchain': 'nightly' }).notes).toEqual([
      'rust-toolchain asks for "nightly" of Rust, which only rustup installs',
    ]);
  });
});

describe('the libraries of crates', () => {
  it.each([
    ['openssl = "0.10"', ['libssl-dev', 'pkg-config']],
    ['openssl = { version = "0.10", features = ["vendored"] }', []],
    ['rusqlite = "0.31"', ['libsqlite3-dev', 'pkg-config']],
    ['rusqlite = { version = "0.31", features = ["bundled-full"] }', []],
    ['diesel = { version = "2", features = ["postgres", "r2d2"] }', ['libpq-dev']],
    ['serde = "1"', []],
  ])('are told by a manifest: %s', (line, libraries) => {
    const files = crate(`[target.'cfg(unix)'.dependencies]\n${line}`);
    expect(packagesOf(files)).toEqual(['build-essential', ...libraries]);
    expect(packagesOf(crate(`[dependencies]\n${line}`))).toEqual(['build-essential', ...libraries]);
  });

  it.each([
    ['openssl-sys', '"libc"', ['libssl-dev', 'pkg-config']],
    ['openssl-sys', '"openssl-src 300.2.3+3.2.1"', []],
    ['libsqlite3-sys', '"pkg-config"', ['libsqlite3-dev', 'pkg-config']],
    ['libsqlite3-sys', '"cc"', []],
  ])('are told better by the lock: %s with %s', (name, dependency, libraries) => {
    const lock = `[[package]]\nname = "${name}"\ndependencies = [${dependency}]\n`;
    const files = { ...crate('[dependencies]\nopenssl = "0.10"'), 'Cargo.lock': lock };
    expect(packagesOf(files)).toEqual(['build-essential', ...libraries]);
  });
});

import { describe, expect, it } from 'vitest';
import { needsOfTexts, packagesOf, toolsOf } from '../../../test/fixtures/project-texts.ts';

const compiler = ['build-essential', 'ruby-dev'];
const lockOf = (...gems: string[]) =>
  `GEM\n  specs:\n${gems.map((gem) => `    ${gem}\n`).join('')}`;

describe('the versions of Ruby', () => {
  it.each([
    ['ruby "~> 3.1"', '>=3.1.0 <4.0.0'],
    ["ruby '>= 3.0', '< 3.4'", '>=3.0.0 <3.4.0'],
    ['ruby("3.2.2")', '3.2.2'],
    ['ruby "3.1.4", engine: "jruby", engine_version: "9.4.0"', '3.1.4'],
    ['ruby file: ".ruby-version"', 'any'],
  ])('are read from a Gemfile: %s', (line, range) => {
    expect(toolsOf({ Gemfile: `source "https://rubygems.org"\n${line}\n` })[0]).toBe(
      `ruby ${range}`,
    );
  });

  it('are those of the lock where nothing else asks', () => {
    const lock = 'GEM\n\nRUBY VERSION\n   ruby 3.1.2p20\n';
    expect(toolsOf({ Gemfile: '', 'Gemfile.lock': lock })[0]).toBe('ruby 3.1.2');
    expect(toolsOf({ Gemfile: 'ruby "3.2.0"', 'Gemfile.lock': lock })).not.toContain('ruby 3.1.2');
  });
});

describe('gems with C in them', () => {
  it('need their libraries', () => {
    expect(packagesOf({ Gemfile: 'gem "mysql2"\ngem("charlock_holmes")\n# gem "pg"\n' })).toEqual(
      ['default-libmysqlclient-dev', 'libicu-dev', ...compiler].toSorted(),
    );
  });

  it('come compiled, unless only their source is locked', () => {
    const files = { Gemfile: 'gem "sqlite3"\ngem "nokogiri"\n' };
    expect(packagesOf(files)).toEqual([]);
    const built = lockOf('sqlite3 (2.0.2-x86_64-linux-gnu)', 'sqlite3 (2.0.2)');
    expect(packagesOf({ ...files, 'Gemfile.lock': built })).toEqual([]);
    expect(packagesOf({ ...files, 'Gemfile.lock': lockOf('sqlite3 (1.4.4)') })).toEqual(
      ['libsqlite3-dev', 'pkg-config', ...compiler].toSorted(),
    );
  });
});

describe('a project of Ruby', () => {
  const files = { Gemfile: 'gem "rails"\n' };

  it('is not served without a program for that', () => {
    expect(needsOfTexts(files).run).toEqual([]);
    expect(needsOfTexts({ Gemfile: 'gem "rake"' }, ['bin/rails']).run).toEqual([]);
  });

  it('has nothing to install where its gems are', () => {
    expect(needsOfTexts(files).setup).toHaveLength(1);
    expect(needsOfTexts(files, ['vendor/bundle']).setup).toEqual([]);
  });
});

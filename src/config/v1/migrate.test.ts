// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseConfig } from '../parse-config.ts';
import { schemaComment } from '../schema-url.ts';
import { migrateText } from './migrate.ts';

const file = '.clonebox.yaml';
const head = `${schemaComment}\n`;

function meaningOf(text: string) {
  const { origin: _, ...config } = parseConfig(text, file);
  return config;
}

const path = fc.stringMatching(/^\/[a-z0-9 .#:'-]{1,12}[a-z]$/);
const host = fc.oneof(path, fc.stringMatching(/^~\/[a-z0-9 .#-]{1,12}[a-z]$/));
const places = fc
  .uniqueArray(fc.tuple(host, path), {
    maxLength: 4,
    selector: ([, guest]) => guest.replace(/\/$/, ''),
  })
  .map((entries) => Object.fromEntries(entries.map(([from, to]) => [from, `/g${to}`])));
const word = fc.stringMatching(/^[a-z][a-z0-9]{1,8}$/);
const names = fc.uniqueArray(word, { maxLength: 4 });
const command = fc.stringMatching(/^[a-z][ -~]{0,30}[a-z]$/).filter((text) => !text.includes('${'));

const machine = fc.record(
  {
    name: fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_ -]{0,20}$/),
    ram_mb: fc.integer({ min: 128, max: 131_072 }),
    vcpus: fc.integer({ min: 1, max: 128 }),
    disk_size_gb: fc.integer({ min: 1, max: 2048 }),
    gui: fc.boolean(),
    base_image: fc.oneof(fc.constant(null), path, word),
    network_mode: fc.constantFrom('auto', 'default', 'user', 'bridge', 'nat'),
    username: word,
    password: fc.oneof(fc.constant('${VM_PASSWORD}'), fc.string()),
    auth_method: fc.constantFrom('ssh_key', 'one_time_password', 'password'),
  },
  { requiredKeys: [] },
);

const service = fc.record(
  {
    type: fc.constant('uvicorn'),
    name: word,
    module: fc.constant('main:app'),
    working_dir: path,
    host: fc.constant('127.0.0.1'),
    port: fc.integer({ min: 1, max: 65_535 }),
  },
  { requiredKeys: ['module', 'name', 'port'] },
);

const rest = fc.record(
  {
    generated: fc.constant('2024-01-01T00:00:00'),
    vm: machine,
    paths: places,
    copy_paths: places.map((map) =>
      Object.fromEntries(Object.entries(map).map(([from, to]) => [from, `/c${to}`])),
    ),
    app_data_paths: fc.constant({ '~/.x': '/x' }),
    packages: names,
    snap_packages: names,
    services: names,
    post_commands: fc.array(command, { maxLength: 3 }),
    web_services: fc.uniqueArray(service, {
      maxLength: 2,
      comparator: (a, b) => a.name === b.name || a.port === b.port,
    }),
    resources: fc.constant({ cpu: { shares: 5 } }),
    browser_profiles: fc.constantFrom([], ['all']),
    shutdown_after_setup: fc.boolean(),
    detected: fc.constant({ running_apps: [{ name: 'x', cwd: '/' }] }),
  },
  { requiredKeys: [] },
);

/** A file of version 1, nested or flat, in one of the styles that people write. */
const version1 = fc
  .tuple(rest, fc.boolean(), fc.record({ indent: fc.constantFrom(2, 4), indentSeq: fc.boolean() }))
  .map(([{ vm, ...others }, isFlat, style]) => {
    const data = isFlat ? { ...vm, ...others } : { ...(vm && { vm }), ...others };
    return stringify({ version: '1', ...data }, style);
  });

/** Writes a comment above each line that can have one, and behind some. */
function commented(text: string): { text: string; comments: string[] } {
  const comments: string[] = [];
  const lines = text.split('\n').flatMap((line, index) => {
    const [, spaces = '', key] = /^( *)(?:- )?([\w~/.-]+): /.exec(line) ?? [];
    if (!key || !/^( *)\w+: /.test(line)) return [line];
    comments.push(`above ${index}`, `behind ${index}`);
    return [`${spaces}# above ${index}`, `${line} # behind ${index}`];
  });
  return { text: lines.join('\n'), comments };
}

describe('a file of version 1, written as version 2', () => {
  it('means what it did', () => {
    fc.assert(
      fc.property(version1, (text) => {
        const migrated = migrateText(text, file).text;
        expect(migrated).toMatch(/^version: '2'$/m);
        expect(meaningOf(migrated)).toEqual(meaningOf(text));
      }),
      { numRuns: 150 },
    );
  });

  it('is one of version 2, which stays as it is', () => {
    fc.assert(
      fc.property(version1, (text) => {
        const { text: once } = migrateText(text, file);
        expect(migrateText(once, file)).toEqual({ text: once, notes: undefined, diff: [] });
      }),
      { numRuns: 50 },
    );
  });

  it('keeps every comment of what is not a value of its own', () => {
    fc.assert(
      fc.property(version1, (text) => {
        const simple = text.replace(
          /^(detected|resources|web_services|copy_paths|app_data_paths):(\n+[ -].*)*\n/gm,
          '',
        );
        const { text: old, comments } = commented(simple);
        const { text: migrated } = migrateText(old, file);
        for (const comment of comments) expect(migrated).toContain(`# ${comment}`);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps order, style, quotes and numbers as they were written', () => {
    const text = `# top

version: '1'

vm:
  # its name
  name: "x"   # here
  ram_mb: 2048

# what is needed
packages:
- "git"
- 'make'

environment: {A: 0644, B: 1.10, C: "x", D: 0x1F, E: yes}
post_commands:
- |
  echo one
  echo two
# end
`;
    expect(migrateText(text, file).text).toBe(`${head}# top

version: '2'

vm:
  # its name
  name: "x" # here
  memory: 2G

# what is needed
packages:
- "git"
- 'make'

environment: {A: 0644, B: 1.10, C: "x", D: 0x1F, E: yes}
post_commands:
- |
  echo one
  echo two
# end
`);
  });

  it('keeps how far lines are indented, and their ends', () => {
    const indented = "version: '1'\nvm:\n    # who\n    vcpus: 2\npackages:\n    - git\n";
    expect(migrateText(indented, file).text).toBe(
      `${head}version: '2'\nvm:\n    # who\n    cpus: 2\npackages:\n    - git\n`,
    );
    const { text } = migrateText("version: '1'\r\nvm:\r\n  vcpus: 2\r\n", file);
    expect(text).toBe(`${head.replace('\n', '\r\n')}version: '2'\r\nvm:\r\n  cpus: 2\r\n`);
  });

  it('names its schema once', () => {
    const own = '# yaml-language-server: $schema=./own.json\n';
    const text = "version: '1'\nvm:\n  vcpus: 2\n";
    expect(migrateText(own + text, file).text).toBe(`${own}version: '2'\nvm:\n  cpus: 2\n`);
    expect(migrateText(text, file).diff).toContain(`+${head.trimEnd()}`);
  });

  it('keeps the comments of directories and commands that move', () => {
    const text = `version: '1'
# copied
copy_paths:
  # settings
  ~/.a: /a # once
# serving
web_services:
  # the api
  - module: main:app
`;
    const { text: migrated } = migrateText(text, file);
    for (const words of ['copied', 'settings', 'once', 'serving', 'the api']) {
      expect(migrated).toContain(`# ${words}`);
    }
  });

  it('shows what differs, and no password', () => {
    const text = "version: '1'\nvm:\n  name: x\n  password: |\n    hunter2hunter2\n  vcpus: 2\n";
    const { diff } = migrateText(text, file);
    expect(diff).toContain('+  cpus: 2');
    expect(diff).toContain('-  vcpus: 2');
    expect(diff.join('\n')).toContain('password: [redacted]');
    expect(diff.join('\n')).not.toContain('hunter2');
  });

  it('is not written when it is wrong', () => {
    expect(() => migrateText("version: '1'\nvm: { ram_mb: lots }\n", file)).toThrow(/vm\.ram_mb/);
  });
});

// The house rules: which room may import which. To change one, change it here and say why in the
// commit.

const implementation = ['store', 'host', 'core', 'lib'];

const rooms = {
  lib: [],
  core: ['lib'],
  host: ['core', 'lib'],
  store: ['host', 'core', 'lib'],
  drivers: ['host', 'core', 'lib'],
  health: ['host', 'core', 'lib'],
  secrets: implementation,
  detect: implementation,
  images: implementation,
  guest: implementation,
  container: implementation,
  // A program of its own: the proxy that is the only way out of a guest. It speaks to the network for its living.
  egress: ['host', 'core', 'lib'],
  plugins: implementation,
  config: ['core', 'lib'],
  compose: ['config', 'core', 'lib'],
  ops: ['compose', 'config', 'store', 'core', 'lib'],
  server: ['ops', 'config', 'core', 'lib'],
  cli: ['server', 'ops', 'config', 'core', 'lib'],
};

/** Single files a room may import beside whole rooms. */
const files = {
  config: ['(drivers|health|secrets)/registry\\.ts'],
  cli: ['context\\.ts'],
};

const tests = '\\.test\\.ts$';

const roomRules = Object.entries(rooms).map(([room, allowed]) => {
  const doors = [room, ...allowed].map((name) => `${name}/`);
  const single = (files[room] ?? []).map((file) => `${file}$`);
  return {
    name: `${room}-imports`,
    comment: `${room} may import ${allowed.join(', ') || 'nothing of ours'}.`,
    severity: 'error',
    from: { path: `^src/${room}/` },
    to: { path: '^src/', pathNot: `^src/(${[...doors, ...single].join('|')})` },
  };
});

const processes = '^(node:)?child_process$|(^|/)node_modules/execa/';
const network = '^(node:)?(net|tls|dgram|dns|dns/promises|cluster)$';
const web = '^(node:)?(http|https|http2)$';
const disk = '^(node:)?fs(/promises)?$';
const timers = '^(node:)?timers(/promises)?$';

/** Rules about modules that touch the machine: `rooms` may use them, and so may tests. */
function only(allowed, name, pattern) {
  return {
    name,
    comment: `Only ${allowed.join(' and ')} may import this: other rooms get it through Host and Io.`,
    severity: 'error',
    from: { path: '^src/', pathNot: [`^src/(${allowed.join('|')})(/|$)`, tests] },
    to: { path: pattern },
  };
}

module.exports = {
  forbidden: [
    ...roomRules,
    only(['host'], 'processes-in-host', processes),
    only(['host', 'egress'], 'sockets-in-host', network),
    // main.ts reads and writes one text before it loads anything.
    only(['host', 'server', 'egress/main\\.ts', 'main\\.ts'], 'files-in-host', disk),
    only(['host', 'egress', 'server'], 'http-in-host', web),
    only(['host', 'server', 'lib'], 'timers-in-host', timers),
    {
      name: 'no-sibling-driver',
      comment: 'A driver never imports another driver.',
      severity: 'error',
      from: { path: '^src/drivers/([^/]+)/' },
      to: { path: '^src/drivers/[^/]+/', pathNot: '^src/drivers/$1/' },
    },
    {
      name: 'one-door-to-a-project',
      comment:
        'What reads a project is handed a ProjectTree, and has no host to open a path by its name.',
      severity: 'error',
      from: { path: '^src/(detect/project/|secrets/project-file\\.ts$)', pathNot: tests },
      to: { path: '^src/(host/|core/(host|ctx|detect|secrets)\\.ts$)' },
    },
    {
      name: 'server-is-lazy',
      comment: 'cli loads the server by import(): other commands must not pay for it.',
      severity: 'error',
      from: { path: '^src/cli/', pathNot: tests },
      to: { path: '^src/server/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'main-imports',
      comment: 'main.ts hands over to cli and context.ts.',
      severity: 'error',
      from: { path: '^src/main\\.ts$' },
      to: { path: '^src/', pathNot: '^src/(cli/|context\\.ts$)' },
    },
    {
      name: 'plugin-imports',
      comment: 'plugin.ts re-exports types of core and define helpers, nothing else.',
      severity: 'error',
      from: { path: '^src/plugin\\.ts$' },
      to: { path: '^src/', pathNot: '^src/core/' },
    },
    {
      name: 'web-imports',
      comment: 'The dashboard page takes types from the server, no code.',
      severity: 'error',
      from: { path: '^web/' },
      to: { path: '^src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-test-code',
      comment: 'Product code never imports tests or their fixtures.',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: ['^test/', tests] },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file nobody imports is dead.',
      severity: 'error',
      from: {
        orphan: true,
        path: '^src/',
        pathNot: ['^src/(main|plugin|egress/main)\\.ts$', tests, '\\.d\\.ts$'],
      },
      to: {},
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    // Projects that are looked at: their packages are not ours.
    exclude: { path: '^(dist|node_modules/\\.|test/fixtures/projects/)' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

// `npm run build [-- --clean]`: bundles src/ into dist/, one chunk for each lazily loaded part.
//
// The bundle is made beside dist/ and then moved in: chunks first (their names carry a hash of
// their content), the entry last, by one rename. Chunks of earlier builds stay for a while. So a
// CLI that starts or loads a chunk during a build finds a complete program.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { thirdPartyNotices } from './notices.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
// `--faults`: a second program, for the crash tests alone, whose operations can be struck after each step.
const withFaults = process.argv.includes('--faults');
const faults = String(withFaults);
const out = process.argv.indexOf('--out');
const elsewhere = out < 0 ? undefined : process.argv[out + 1];
const dist = elsewhere ?? path.join(root, withFaults ? 'dist-faults' : 'dist');
const fresh = path.join(root, `dist.tmp-${process.pid}`);
const keepChunksFor = 2 * 60 * 60 * 1000;

// CommonJS packages in an ES module bundle call require() for Node's own modules.
const requireShim =
  "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  legalComments: 'none',
  // Takes out what can never run: of the fault points, all.
  minifySyntax: true,
  logLevel: 'warning',
};

/**
 * program.mjs and its chunks: everything but the first file. egress-proxy.mjs is a program that outlives a command.
 * src/plugin.ts is the door for plugin authors.
 */
async function bundleProgram(version) {
  const plugin = path.join(root, 'src/plugin.ts');
  const { metafile } = await build({
    ...common,
    entryPoints: {
      program: 'src/cli/cli.ts',
      'egress-proxy': 'src/egress/main.ts',
      ...(existsSync(plugin) && { plugin }),
    },
    outdir: fresh,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    banner: { js: requireShim },
    define: { __VERSION__: JSON.stringify(version), __FAULTS__: faults },
    metafile: true,
  });
  return metafile;
}

/**
 * main.js: the first file, small and in CommonJS, because Node has that loaded before its loader of ES modules has
 * begun; package.json beside it says so.
 */
async function bundleEntry(version) {
  await build({
    ...common,
    entryPoints: ['src/main.ts'],
    outfile: path.join(fresh, 'main.js'),
    format: 'cjs',
    banner: { js: '#!/usr/bin/env node' },
    define: { __VERSION__: JSON.stringify(version), 'import.meta.dirname': '__dirname' },
    plugins: [{ name: 'program', setup: programIsBeside }],
  });
  await writeFile(path.join(fresh, 'package.json'), '{ "type": "commonjs" }\n');
  await chmod(path.join(fresh, 'main.js'), 0o755);
}

function programIsBeside(esbuild) {
  esbuild.onResolve({ filter: /cli\.ts$/ }, () => ({ path: './program.mjs', external: true }));
}

/** What `clonebox --help` prints, said by the program itself: main.js answers with it at once. */
async function renderHelp() {
  const help = execFileSync(process.execPath, [path.join(fresh, 'main.js'), '--help']);
  await writeFile(path.join(fresh, 'help.txt'), help);
}

async function moveIn() {
  const chunks = path.join(fresh, 'chunks');
  const names = existsSync(chunks) ? await readdir(chunks) : [];
  await mkdir(path.join(dist, 'chunks'), { recursive: true });
  for (const name of names) await rename(path.join(chunks, name), path.join(dist, 'chunks', name));

  const entries = (await readdir(fresh, { withFileTypes: true })).filter((e) => e.isFile());
  for (const { name } of entries) await rename(path.join(fresh, name), path.join(dist, name));
  return names;
}

async function removeOldChunks(current) {
  const chunks = path.join(dist, 'chunks');
  for (const name of await readdir(chunks)) {
    const file = path.join(chunks, name);
    const { mtimeMs } = await stat(file);
    const old = Date.now() - mtimeMs > keepChunksFor;
    if (old && !current.includes(name)) await rm(file, { force: true });
  }
}

/** Lets `npx clonebox` find the checkout's own program and never one of that name elsewhere. */
async function linkOwnBin() {
  const bin = path.join(root, 'node_modules/.bin');
  const link = path.join(bin, 'clonebox');
  if (existsSync(bin) && !existsSync(link)) {
    await rm(link, { force: true });
    await symlink('../../dist/main.js', link);
  }
}

const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
try {
  const metafile = await bundleProgram(version);
  await bundleEntry(version);
  await renderHelp();
  await writeFile(path.join(fresh, 'THIRD_PARTY_NOTICES'), await thirdPartyNotices(root, metafile));
  if (process.argv.includes('--clean')) await rm(dist, { recursive: true, force: true });
  await removeOldChunks(await moveIn());
  if (!withFaults && elsewhere === undefined) await linkOwnBin();
} finally {
  await rm(fresh, { recursive: true, force: true });
}

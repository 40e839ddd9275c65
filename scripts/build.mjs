// Bundles src/ into dist/. The new dist is made beside the old one and swapped in at the end,
// so that a CLI that starts meanwhile finds either the old or the new program.
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { thirdPartyNotices } from './notices.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
const fresh = path.join(root, `dist.tmp-${process.pid}`);
const stale = path.join(root, `dist.old-${process.pid}`);

// CommonJS packages in an ES module bundle call require() for Node's own modules.
const requireShim =
  "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);";

/** The programs of the package; plugin.ts is the door for plugin authors. */
function entryPoints() {
  return ['src/main.ts', 'src/plugin.ts'].filter((file) => existsSync(path.join(root, file)));
}

async function bundle(version) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: entryPoints(),
    outdir: fresh,
    outbase: 'src',
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    legalComments: 'none',
    banner: { js: requireShim },
    define: { __VERSION__: JSON.stringify(version) },
    metafile: true,
    logLevel: 'warning',
  });
  return result.metafile;
}

/** esbuild keeps the shebang of the entry; one is added where the source has none. */
async function makeExecutable(file) {
  const text = await readFile(file, 'utf8');
  if (!text.startsWith('#!')) await writeFile(file, `#!/usr/bin/env node\n${text}`);
  await chmod(file, 0o755);
}

async function swapIn() {
  if (existsSync(dist)) await rename(dist, stale);
  await rename(fresh, dist);
  await rm(stale, { recursive: true, force: true });
}

const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
try {
  await mkdir(fresh, { recursive: true });
  const metafile = await bundle(version);
  await makeExecutable(path.join(fresh, 'main.js'));
  await writeFile(path.join(fresh, 'THIRD_PARTY_NOTICES'), await thirdPartyNotices(root, metafile));
  await swapIn();
} finally {
  await rm(fresh, { recursive: true, force: true });
}

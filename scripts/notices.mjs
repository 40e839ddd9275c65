import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** The folder of the package that a bundled file belongs to: nested node_modules count too. */
function packageFolder(file) {
  const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
  return match?.[1];
}

async function licenseText(folder) {
  const names = await readdir(folder);
  const name = names.find((entry) => /^(licen[cs]e|copying)(\.|-|$)/i.test(entry));
  return name ? (await readFile(path.join(folder, name), 'utf8')).trim() : undefined;
}

async function notice(folder) {
  const about = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const license = about.license ?? 'see its repository';
  const text = (await licenseText(folder)) ?? '(The package ships no licence file.)';
  return { title: `${about.name} ${about.version} (${license})`, text };
}

/** The licences of every package whose code ended up in the bundle, in the order of their names. */
export async function thirdPartyNotices(root, metafile) {
  const bundled = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs)
      .filter(([, input]) => input.bytesInOutput > 0)
      .map(([file]) => file),
  );
  const folders = new Set(bundled.map(packageFolder).filter((folder) => folder !== undefined));
  const notices = await Promise.all([...folders].map((folder) => notice(path.join(root, folder))));
  notices.sort((a, b) => (a.title < b.title ? -1 : 1));
  const head = 'CloneBox contains code of the packages below.\n';
  const rule = '-'.repeat(80);
  return [head, ...notices.map(({ title, text }) => `${rule}\n${title}\n\n${text}\n`)].join('\n');
}

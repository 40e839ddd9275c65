import * as z from 'zod';
import type { FoundLanguage } from '../../core/detect.ts';
import type { Look } from '../look.ts';
import { readJson } from '../project/structured.ts';

const manifest = z.looseObject({ version: z.string().regex(/^\d+\.\d+\.\d+[\w.+-]{0,30}$/) });

/** npm, pnpm and yarn as the node that a new shell runs has them: a manifest of each says its version. */
export async function readNodePackages(
  look: Look,
  node: FoundLanguage | undefined,
): Promise<FoundLanguage[]> {
  if (node === undefined) return [];
  const real = (await look.real(node.path)) ?? node.path;
  const prefix = real.replace(/\/bin\/[^/]+$/, '');
  // What `npm install -g` brings does not go where packages of the system are.
  const prefixes = prefix === '/usr' ? ['/usr/local', '/usr'] : [prefix];
  const found = ['npm', 'pnpm', 'yarn'].map(async (name) => {
    for (const place of prefixes) {
      const source = `${place}/lib/node_modules/${name}/package.json`;
      const version = readJson((await look.text(source)) ?? '', manifest)?.version;
      if (version === undefined) continue;
      const finding = {
        source,
        confidence: 'certain',
        reason: `with node ${node.version}`,
      } as const;
      const path = `${place}/bin/${name}`;
      return [{ name, version, path, manager: node.manager, current: true, finding }];
    }
    return [];
  });
  return (await Promise.all(found)).flat();
}

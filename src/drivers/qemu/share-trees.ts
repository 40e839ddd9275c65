import type { ShareSpec } from '../../core/driver.ts';
import { CloneboxError } from '../../core/errors.ts';
import type { Host } from '../../core/host.ts';
import type { ProjectTree } from '../../core/project-tree.ts';

/**
 * Opens the directories of shares, each by its canonical path and by no link: what QEMU and virtiofsd are given is what was
 * judged by that path, whatever a guest makes of the name meanwhile. Acts with them and closes them. Fails with `refused`
 * when one has become a link, `not-found` when one is gone.
 */
export async function withShareTrees<T>(
  host: Host,
  shares: readonly ShareSpec[],
  action: (trees: readonly ProjectTree[]) => Promise<T>,
): Promise<T> {
  const trees: ProjectTree[] = [];
  try {
    for (const share of shares) trees.push(await openShare(host, share.host));
    return await action(trees);
  } finally {
    for (const tree of trees) await tree.close();
  }
}

async function openShare(host: Host, path: string): Promise<ProjectTree> {
  const opened = await host.openTree(path);
  if (opened.kind === 'tree') return opened.tree;
  const facts = { path };
  if (opened.kind === 'link') {
    const where = opened.link === path ? 'is' : `is reached by ${opened.link}, which is`;
    throw new CloneboxError(
      'refused',
      `the shared directory ${path} ${where} now a link to ${opened.target}`,
      { hint: 'Put the directory back, then start the VM again.', facts },
    );
  }
  const what = opened.kind === 'absent' ? 'is gone' : 'is no directory';
  throw new CloneboxError('not-found', `the shared directory ${path} ${what}`, {
    hint: 'Put it back, then start the VM again.',
    facts,
  });
}

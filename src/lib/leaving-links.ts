/** A link of a tree, by its path from the top, and what it says. */
export interface TreeLink {
  readonly path: string;
  readonly target: string;
}

/** As many as the kernel follows. */
const mostLinks = 40;

/** Programs that come with a system: a virtual environment of Python has links to them. */
const programs = /^(?:\/usr\/bin|\/usr\/local\/bin|\/bin)\/(?!\.{1,2}$)[^/]+$/;

/** Whether a link is to a program of the system, so that it stays in a tree that is copied. Nothing is written by one. */
export function isToProgram(target: string): boolean {
  return programs.test(target);
}

/**
 * The links of a tree that lead out of it, wherever the tree is put: by a whole path, or by more `..` than there is tree, also
 * by way of other links, or of what is no link yet (`a/../b`). A link to nothing in the tree stays in it. Links to programs of
 * the system are let through, and not what goes on from one, which may be a directory.
 */
export function leavingLinks(links: readonly TreeLink[]): TreeLink[] {
  const all = new Map(links.map(({ path, target }) => [path, target]));
  return links.filter(({ path, target }) => turnsBack(target) || leaves(path, all));
}

/** `a/../b` depends on what `a` is, or will be: it may become a link, and `..` is somewhere else then. */
function turnsBack(target: string): boolean {
  const names = target.split('/').filter((name) => name !== '' && name !== '.');
  return (
    names.lastIndexOf('..') > names.findIndex((name) => name !== '..') &&
    names.some((name) => name !== '..')
  );
}

function leaves(path: string, links: ReadonlyMap<string, string>): boolean {
  const at: string[] = [];
  const left = path.split('/');
  let followed = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      if (at.pop() === undefined) return true;
      continue;
    }
    const here = [...at, name].join('/');
    const target = links.get(here);
    if (target === undefined) {
      at.push(name);
      continue;
    }
    followed += 1;
    // A circle leads nowhere.
    if (followed > mostLinks) return false;
    if (target.startsWith('/')) return left.length > 0 || !isToProgram(target);
    left.unshift(...target.split('/'));
  }
  return false;
}

import type { Detector } from '../core/detect.ts';
import type { ProjectTree } from '../core/project-tree.ts';
import { readNeeds } from './project/read-needs.ts';

/** What makes a directory a project that has no files of any ecosystem. */
const marks = ['.git', '.clonebox.yaml'];

async function isMarked(tree: ProjectTree): Promise<boolean> {
  const there = marks.map((mark) => tree.entry(mark).catch(() => undefined));
  return (await Promise.all(there)).some((facts) => facts !== undefined);
}

/** The project that the user is in, and what it needs. A directory without anything of a project is none. */
export const projects: Detector<'projects'> = {
  area: 'projects',
  summary: 'projects, and what the one you are in needs',
  async detect({ host, scope, io, note }) {
    const { project } = scope;
    if (project === undefined) return [];
    const opened = await host.openTree(project);
    if (opened.kind !== 'tree') {
      note(`${project} is not what it was: it cannot be looked at`);
      return [];
    }
    const { tree } = opened;
    const needs = await readNeeds(tree, io);
    const isProject = needs.ecosystems.length > 0 || (await isMarked(tree));
    await tree.close();
    if (!isProject) return [];
    const reason = 'you are in it';
    return [
      {
        name: project.split('/').at(-1) ?? project,
        path: project,
        ecosystems: needs.ecosystems,
        needs,
        finding: { source: project, confidence: 'certain', reason },
      },
    ];
  },
};

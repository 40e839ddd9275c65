import type { Detector } from '../core/detect.ts';
import type { Host } from '../core/host.ts';
import { readNeeds } from './project/read-needs.ts';

/** What makes a directory a project that has no files of any ecosystem. */
const marks = ['.git', '.clonebox.yaml'];

async function isMarked({ files }: Host, directory: string): Promise<boolean> {
  const there = marks.map((mark) => files.facts(`${directory}/${mark}`).catch(() => undefined));
  return (await Promise.all(there)).some((facts) => facts !== undefined);
}

/** The project that the user is in, and what it needs. A directory without anything of a project is none. */
export const projects: Detector<'projects'> = {
  area: 'projects',
  summary: 'projects, and what the one you are in needs',
  async detect({ host, scope, io }) {
    const { project } = scope;
    if (project === undefined) return [];
    const needs = await readNeeds(host, project, io);
    if (needs.ecosystems.length === 0 && !(await isMarked(host, project))) return [];
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

import type { Detector } from '../core/detect.ts';
import { readNeeds } from './project/read-needs.ts';

/** The project that the user is in, and what it needs. */
export const projects: Detector<'projects'> = {
  area: 'projects',
  summary: 'projects, and what the one you are in needs',
  async detect({ host, scope, io }) {
    const { project } = scope;
    if (project === undefined) return [];
    const needs = await readNeeds(host, project, io);
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

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { guestNeeds } from '../../src/config/needs/guest-needs.ts';
import { quietIo } from '../../src/core/quiet-io.ts';
import { readNeeds } from '../../src/detect/project/read-needs.ts';
import { treeOf } from '../fixtures/tree-of.ts';

const projects = fileURLToPath(new URL('../fixtures/projects', import.meta.url));
const plans = fileURLToPath(new URL('../fixtures/plans', import.meta.url));

/** The first plan of a sample project in a guest of Debian 12, a line for each thing, of a workstation without tools. */
async function planOf(name: string): Promise<string> {
  const needed = await readNeeds(await treeOf(path.join(projects, name)), quietIo());
  const needs = guestNeeds(needed, { release: 'debian:12', workstation: new Map() });
  const line = (what: string, text: string, source: string) => `${what}: ${text}  # ${source}`;
  return [
    ...needs.packages.map((one) => line('package', one.name, one.finding.source)),
    ...needs.services.map((one) => line('service', one.name, one.finding.source)),
    ...needs.steps.map((one) => line('step', one.run, one.finding.source)),
    ...needs.setup.map((one) => line('then', one.command, one.finding.source)),
    ...needs.run.map((one) => {
      const place = one.directory === undefined ? '' : ` in ${one.directory}`;
      const variables = Object.entries(one.env).map(([key, value]) => ` ${key}=${value}`);
      const text = `${one.name} = ${one.command.join(' ')}${place}, port ${one.port}${variables.join('')}`;
      return line('run', text, one.finding.source);
    }),
    ...needs.idlePorts.map((one) => line('idle port', String(one.port), one.finding.source)),
    ...needs.notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}

describe('the first plan of a project is as written down', () => {
  it.each(readdirSync(projects))('%s', async (name) => {
    await expect(await planOf(name)).toMatchFileSnapshot(path.join(plans, `${name}.txt`));
  });

  it('and none is written down of a project that is gone', () => {
    const named = readdirSync(projects).map((name) => `${name}.txt`);
    expect(readdirSync(plans).toSorted()).toEqual(named.toSorted());
  });
});

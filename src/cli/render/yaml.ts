import { stringify } from 'yaml';
import { readableLines } from '../../lib/readable.ts';

/** Any data as YAML, for people. */
export function renderYaml(data: unknown): string[] {
  return readableLines(stringify(data));
}

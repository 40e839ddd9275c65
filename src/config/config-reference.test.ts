import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keyDescriptions } from './key-descriptions.ts';
import { configSchema } from './schema.ts';
import { allKeys } from './schema-tree.ts';

const page = readFileSync(new URL('../../docs/reference/config.md', import.meta.url), 'utf8');
const documented = [...page.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key);

describe('docs/reference/config.md', () => {
  it('says of every key what the JSON Schema says', () => {
    const rows = [...page.matchAll(/^\| `([^`]+)` \| (.*?) \| .*\|$/gm)];
    expect(Object.fromEntries(rows.map(([, key, meaning]) => [key, meaning]))).toEqual(
      keyDescriptions,
    );
  });

  it('has a row for every key of the schema, and for no other', () => {
    expect(documented.toSorted()).toEqual(allKeys(configSchema).toSorted());
  });
});

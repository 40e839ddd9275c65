import { describe, expect, it } from 'vitest';
import { jsonSchema } from './json-schema.ts';
import { configSchema } from './schema.ts';
import { allKeys } from './schema-tree.ts';

const schema = jsonSchema();

/** The schema at a dotted key, as docs/reference/config.md writes it. */
function at(key: string): Record<string, unknown> {
  let here: Record<string, unknown> = schema;
  for (const step of key.match(/\[\]|\*|[^.[\]*]+/g) ?? []) {
    const any = here.anyOf as Record<string, unknown>[] | undefined;
    const object = any?.find((one) => 'properties' in one || 'items' in one) ?? here;
    here = (
      step === '[]'
        ? object.items
        : step === '*'
          ? object.additionalProperties
          : (object.properties as Record<string, unknown>)[step]
    ) as Record<string, unknown>;
  }
  return here;
}

describe('the JSON Schema', () => {
  it('has every key of the file with its description, and takes no other', () => {
    for (const key of allKeys(configSchema)) {
      expect(at(key)?.description, key).toEqual(expect.stringMatching(/./));
    }
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(schema.$schema).toContain('2020-12');
  });

  it('knows words, patterns, bounds and what is required', () => {
    expect(at('vm.accel')).toMatchObject({ enum: ['auto', 'kvm', 'tcg'] });
    expect(at('vm.cpus')).toMatchObject({ type: 'integer', minimum: 1, maximum: 256 });
    expect(at('vm.user.name')).toMatchObject({ pattern: expect.stringContaining('a-z_') });
    expect(schema.required).toEqual(['version']);
    expect(at('run.*')).toMatchObject({ required: ['command'] });
  });

  it('takes numbers where YAML makes some of text', () => {
    expect(at('ports[]')?.type ?? (at('ports').items as { type: unknown }).type).toEqual([
      'string',
      'number',
    ]);
  });

  it('is JSON, without references into itself', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
    expect(JSON.stringify(schema)).not.toContain('"$ref"');
  });
});

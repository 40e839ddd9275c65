import * as z from 'zod';
import { keyDescriptions } from './key-descriptions.ts';
import { configSchema } from './schema.ts';
import { schemaUrl } from './schema-url.ts';

/** A schema as JSON, as far as it is walked here. */
interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  [key: string]: unknown;
}

/**
 * The JSON Schema (draft 2020-12) of `.clonebox.yaml`, for editors: keys, kinds, words and patterns. What only a parser
 * can tell, such as a size out of bounds, is for `config validate`.
 */
export function jsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  const described = describe(schema as JsonSchema, '');
  return {
    $id: schemaUrl,
    ...described,
    title: '.clonebox.yaml',
    description: 'The virtual machine of a project',
  };
}

function describe(schema: JsonSchema, key: string): JsonSchema {
  const { properties, items, additionalProperties, anyOf } = schema;
  const below = (name: string) => (key === '' ? name : `${key}.${name}`);
  const description = keyDescriptions[key];
  return {
    ...schema,
    // YAML reads 5432 and 1.10 as numbers; where text is wanted they are as good.
    ...(schema.type === 'string' && schema.enum === undefined && { type: ['string', 'number'] }),
    ...(description !== undefined && { description }),
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([name, value]) => [name, describe(value, below(name))]),
      ),
    }),
    ...(items && { items: describe(items, `${key}[]`) }),
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: describe(additionalProperties, `${key}.*`),
    }),
    ...(anyOf && { anyOf: anyOf.map((one) => describe(one, key)) }),
  };
}

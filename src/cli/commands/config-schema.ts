import { defineCommand } from '../command.ts';

export const configSchema = defineCommand({
  description: `Prints the JSON Schema (draft 2020-12) of .clonebox.yaml, for editors that complete and check YAML by one. What only CloneBox itself can tell is for config validate.`,
  arguments: {},
  options: {},
  examples: [
    { line: 'clonebox config schema', what: 'the schema, to standard output' },
    {
      line: 'clonebox config schema > .clonebox.schema.json',
      what: 'for a first line # yaml-language-server: $schema=.clonebox.schema.json',
    },
  ],
  run: async () => (await import('../../config/json-schema.ts')).jsonSchema(),
  render: (schema) => [JSON.stringify(schema, undefined, 2)],
});

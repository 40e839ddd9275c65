/** Where editors find the JSON Schema of the file once it is published: the same place for everybody. */
export const schemaUrl = 'https://json.schemastore.org/clonebox.json';

/** The first line of a file, by which editors find its schema. */
export const schemaComment = `# yaml-language-server: $schema=${schemaUrl}`;

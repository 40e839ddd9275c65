import { node } from './node.ts';
import type { ProjectReader } from './reader.ts';

/** Every reader of project files. Where two of them find the same thing, the earlier one's finding is kept. */
export const projectReaders: readonly ProjectReader[] = [node];

import type { Entry, Section } from './entry.ts';
import { configuration } from './sections/configuration.ts';
import { images } from './sections/images.ts';
import { inside } from './sections/inside.ts';
import { machines } from './sections/machines.ts';
import { templates } from './sections/templates.ts';
import { thisMachine } from './sections/this-machine.ts';

/** Every command, in the order of help. To add one: a file below commands/ and a line in its section. */
export const registry: readonly Section[] = [
  machines,
  inside,
  images,
  templates,
  configuration,
  thisMachine,
];

/** All entries, without their sections. */
export const entries: readonly Entry[] = registry.flatMap((section) => section.entries);

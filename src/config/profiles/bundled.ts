import { docker } from './bundled/docker.ts';
import { go } from './bundled/go.ts';
import { mlDev } from './bundled/ml-dev.ts';
import { node } from './bundled/node.ts';
import { postgres15 } from './bundled/postgres-15.ts';
import { python } from './bundled/python.ts';
import { redis7 } from './bundled/redis-7.ts';
import { rust } from './bundled/rust.ts';
import { webStack } from './bundled/web-stack.ts';

/** The texts of the profiles that come with CloneBox, by name: packages of Debian 12. */
export const bundledProfiles: ReadonlyMap<string, string> = new Map([
  ['docker', docker],
  ['go', go],
  ['ml-dev', mlDev],
  ['node', node],
  ['postgres-15', postgres15],
  ['python', python],
  ['redis-7', redis7],
  ['rust', rust],
  ['web-stack', webStack],
]);

import * as z from 'zod';
import * as field from './fields.ts';
import { parsePort, parsePortPair } from './port.ts';

const itself = (value: string) => [value];
const names = (item: z.ZodType<string, string>) => field.unique(item, itself).optional();

/** What is taken out of the lists of the profiles before: for each list the names of its items. */
export const removeSchema = z.strictObject({
  packages: names(field.barePackageName),
  snap_packages: names(field.snapName),
  services: names(field.serviceName),
  run: names(field.runName),
  environment: names(field.variableName),
  ports: names(field.parsed((text) => String(parsePortPair(text).guest))),
  allow: names(field.allowedHost),
  host_ports: names(field.parsed((text) => String(parsePort(text)))),
  shares: names(field.filledWord),
  provision: names(field.filledWord),
  post_commands: names(field.filledWord),
  ssh_keys: names(field.keySource),
});

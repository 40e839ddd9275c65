import type { NeededService } from '../../core/needs.ts';
import { printable } from '../../lib/printable.ts';
import { serviceOfScheme } from './known-services.ts';
import type { ProjectReader } from './reader.ts';
import { isAside, likely, linesOf, nameOfFile } from './text.ts';

/** Files that show which settings there are. What holds the settings themselves, and their secrets, is never read. */
const examples = /^\.env\.(example|sample|template|dist|defaults)$|^env\.(example|sample)$/;
const settings =
  /^(application(-dev|-local)?\.(properties|ya?ml)|database\.yml|appsettings(\.Development)?\.json)$/;

/** `postgres://name:word@host:5432/database?options`; the words of a password are matched and dropped. */
const connection =
  /\b([a-z][a-z0-9+]{2,24}):\/\/(?:([^\s:@/'"]{0,64})(?::[^\s@/'"]{0,200})?@)?([\w.-]{0,100}|\[[\da-f:]{2,40}\])(?::\d{1,5})?(?:\/([\w-]{1,63}))?/gi;

const local = ['localhost', '127.0.0.1', '::1', '[::1]', ''];

/**
 * Connection strings in examples of settings: which server, which database, which role. One of another host is told: that
 * server is not the project's own.
 */
export const connections: ProjectReader = {
  name: 'connections',
  wants: (path) =>
    !isAside(path) && (examples.test(nameOfFile(path)) || settings.test(nameOfFile(path))),
  read(files) {
    const services: NeededService[] = [];
    const notes: string[] = [];
    for (const { path, text } of files) {
      for (const line of linesOf(text)) {
        if (/^\s*(#|\/\/)/.test(line)) continue;
        for (const [, scheme = '', role = '', host = '', database = ''] of line.matchAll(
          connection,
        )) {
          const known = serviceOfScheme(scheme);
          if (known === undefined) continue;
          if (!local.includes(host) && host.includes('.')) {
            notes.push(`${printable(path)}: ${known.label} of another host is left as it is`);
            continue;
          }
          services.push({
            name: known.name,
            range: undefined,
            // Redis counts its databases: these need not be made.
            databases: /^\D/.test(database) ? [database] : [],
            roles: /^[A-Za-z_][\w-]*$/.test(role) ? [role] : [],
            finding: likely(path, `it connects to ${known.label}`),
          });
        }
      }
    }
    return { services, notes: [...new Set(notes)] };
  },
};

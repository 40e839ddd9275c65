import { c } from './c.ts';
import { ci } from './ci.ts';
import { compose } from './compose.ts';
import { connections } from './connections.ts';
import { databaseSettings } from './database-settings.ts';
import { devcontainer } from './devcontainer.ts';
import { dockerfile } from './dockerfile.ts';
import { dotnet } from './dotnet.ts';
import { elixir } from './elixir.ts';
import { flake } from './flake.ts';
import { go } from './go.ts';
import { java } from './java.ts';
import { listeningPorts } from './listening-ports.ts';
import { makefile } from './makefile.ts';
import { node } from './node.ts';
import { php } from './php.ts';
import { procfile } from './procfile.ts';
import { python } from './python.ts';
import type { ProjectReader } from './reader.ts';
import { ruby } from './ruby.ts';
import { rust } from './rust.ts';
import { toolVersions } from './tool-versions.ts';

/** Every reader of project files. Where two of them find the same thing, the earlier one's finding is kept. */
export const projectReaders: readonly ProjectReader[] = [
  // It is written to be run: its `web` goes before a start script.
  procfile,
  // A pin comes before what a language's own file allows.
  toolVersions,
  node,
  python,
  go,
  rust,
  java,
  ruby,
  php,
  dotnet,
  elixir,
  c,
  compose,
  databaseSettings,
  connections,
  makefile,
  listeningPorts,
  // What a container is made of, what a shell or an editor's container has, and at last what others test with.
  dockerfile,
  flake,
  devcontainer,
  ci,
];

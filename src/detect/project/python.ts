import type { NeededTool } from '../../core/needs.ts';
import { installationOf } from './python-install.ts';
import { type PythonManifest, readPythonManifest } from './python-manifests.ts';
import { pythonPrograms, pythonWeb } from './python-web.ts';
import type { ProjectReader } from './reader.ts';
import { distinctTools, isAside, isAtTop, likely, nameOfFile, packagesFor } from './text.ts';

const compiler = ['build-essential', 'python3-dev'];

/**
 * What has to be there for those that are compiled when they are installed, or that load a library of the system: most
 * come as wheels, with everything in them.
 */
const libraries = new Map<string, readonly string[]>([
  ['psycopg2', ['libpq-dev', ...compiler]],
  ['psycopg[c]', ['libpq-dev', ...compiler]],
  ['psycopg', ['libpq5']],
  ['mysqlclient', ['default-libmysqlclient-dev', 'pkg-config', ...compiler]],
  ['python-ldap', ['libldap-dev', 'libsasl2-dev', ...compiler]],
  ['pycairo', ['libcairo2-dev', 'pkg-config', ...compiler]],
  ['pygobject', ['libgirepository1.0-dev', 'libcairo2-dev', 'pkg-config', ...compiler]],
  ['dbus-python', ['libdbus-1-dev', 'libglib2.0-dev', 'pkg-config', ...compiler]],
  ['uwsgi', compiler],
  ['pyuwsgi', compiler],
  ['pygraphviz', ['libgraphviz-dev', ...compiler]],
  ['pyaudio', ['portaudio19-dev', ...compiler]],
  ['pycups', ['libcups2-dev', ...compiler]],
  ['systemd-python', ['libsystemd-dev', 'pkg-config', ...compiler]],
  ['libvirt-python', ['libvirt-dev', 'pkg-config', ...compiler]],
  ['gssapi', ['libkrb5-dev', ...compiler]],
  ['pylibmc', ['libmemcached-dev', ...compiler]],
  ['m2crypto', ['libssl-dev', 'swig', ...compiler]],
  ['netifaces', compiler],
  ['evdev', compiler],
  ['gdal', ['libgdal-dev', ...compiler]],
  ['pyodbc', ['unixodbc']],
  ['python-magic', ['libmagic1']],
  ['weasyprint', ['libpango-1.0-0', 'libpangoft2-1.0-0']],
  ['opencv-python', ['libgl1', 'libglib2.0-0']],
]);

/** The second is what Heroku reads. */
const pins = ['.python-version', 'runtime.txt'];
const names = ['pyproject.toml', 'setup.py', 'setup.cfg', 'Pipfile', 'environment.yml'];

function wants(path: string): boolean {
  if (pins.includes(path) || pythonPrograms.includes(path)) return true;
  if (isAside(path)) return false;
  return names.includes(nameOfFile(path)) || isRequirements(path);
}

function isRequirements(path: string): boolean {
  return (
    /^requirements\/[\w.-]+\.txt$/.test(path) || /^requirements[\w.-]*\.txt$/.test(nameOfFile(path))
  );
}

/** Python: pyproject.toml, lists for pip, setup.py and setup.cfg, Pipfile, .python-version, and how a web project is served. */
export const python: ProjectReader = {
  name: 'python',
  wants,
  read(files, tree) {
    const notes: string[] = [];
    const programs = files.filter(({ path }) => pythonPrograms.includes(path));
    const manifests = files
      .filter((file) => !programs.includes(file))
      .map((file) => readPythonManifest(file, notes))
      .filter((one) => one !== undefined)
      .toSorted((one, other) => rank(one) - rank(other));
    const top = manifests.filter(({ path }) => isAtTop(path) || path.startsWith('requirements/'));
    const dependencies = manifests.flatMap((manifest) => manifest.dependencies);
    const install = installationOf(top, tree);
    const used = new Set(top.flatMap((manifest) => manifest.dependencies.map(({ name }) => name)));
    const web = pythonWeb(
      pythonPrograms.flatMap((path) => programs.filter((program) => program.path === path)),
      { python: install.python, uses: (name) => used.has(name) },
    );
    const source = (
      manifests.find(({ path }) => !pins.includes(path)) ??
      manifests[0] ??
      programs[0]
    )?.path;
    const any: NeededTool[] =
      source === undefined
        ? []
        : [{ name: 'python', range: undefined, finding: likely(source, 'a Python project') }];
    return {
      ecosystems: any.length > 0 ? ['Python'] : [],
      tools: distinctTools([...manifests.flatMap(({ tools }) => tools), ...any, ...install.tools]),
      packages: packagesFor(libraries, dependencies),
      run: web.run,
      setup: install.setup,
      notes: [...notes, ...web.notes],
    };
  },
};

/** A pin comes before what a project allows, and what is at the top before what is below. */
function rank({ path }: PythonManifest): number {
  if (pins.includes(path)) return 0;
  return isAtTop(path) ? 1 : 2;
}

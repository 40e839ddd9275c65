import type { NeededRun, NeededTool } from '../../core/needs.ts';
import { rangeFrom } from './constraint.ts';
import type { ProjectFile, ProjectReader } from './reader.ts';
import {
  askedTool,
  type Dependency,
  distinctTools,
  isAside,
  likely,
  linesOf,
  nameOfFile,
  packagesFor,
} from './text.ts';

const compiler = ['build-essential'];
const window = ['libgl1-mesa-dev', 'xorg-dev', ...compiler];

/** Modules with C in them, by their paths without `/v2`, and what that is compiled against. */
const libraries = new Map<string, readonly string[]>([
  ['github.com/mattn/go-sqlite3', compiler],
  ['gorm.io/driver/sqlite', compiler],
  ['github.com/confluentinc/confluent-kafka-go', compiler],
  ['github.com/DataDog/zstd', compiler],
  ['github.com/google/gopacket', ['libpcap-dev', ...compiler]],
  ['github.com/h2non/bimg', ['libvips-dev', 'pkg-config', ...compiler]],
  ['github.com/davidbyttow/govips', ['libvips-dev', 'pkg-config', ...compiler]],
  ['gopkg.in/gographics/imagick.v3', ['libmagickwand-dev', 'pkg-config', ...compiler]],
  ['github.com/pebbe/zmq4', ['libzmq3-dev', 'pkg-config', ...compiler]],
  ['github.com/proglottis/gpgme', ['libgpgme-dev', ...compiler]],
  ['github.com/seccomp/libseccomp-golang', ['libseccomp-dev', 'pkg-config', ...compiler]],
  ['github.com/veandco/go-sdl2', ['libsdl2-dev', 'pkg-config', ...compiler]],
  ['github.com/go-gl/glfw', window],
  ['fyne.io/fyne', window],
  ['gocv.io/x/gocv', ['libopencv-dev', ...compiler]],
  ['libvirt.org/go/libvirt', ['libvirt-dev', 'pkg-config', ...compiler]],
]);

const program = 'main.go';

/** Go: go.mod and go.work, and the modules that need a C compiler. */
export const go: ProjectReader = {
  name: 'go',
  wants: (path) =>
    path === program ||
    (!isAside(path) && (nameOfFile(path) === 'go.mod' || nameOfFile(path) === 'go.work')),
  read(all) {
    const files = all.filter(({ path }) => path !== program);
    const [first] = files;
    if (first === undefined) return {};
    const notes: string[] = [];
    const reason = first.path.endsWith('.mod') ? 'a Go module' : 'a Go workspace';
    const any: NeededTool = {
      ...{ name: 'go', range: undefined, finding: likely(first.path, reason) },
    };
    return {
      ecosystems: ['Go'],
      tools: distinctTools([...files.flatMap((file) => versionOf(file, notes)), any]),
      packages: packagesFor(libraries, files.flatMap(directlyRequired)),
      run: first.path === 'go.mod' ? server(all) : [],
      notes,
    };
  },
};

/** A program at the top that serves, by what it calls: the standard library's server, or that of a framework. */
function server(files: readonly ProjectFile[]): NeededRun[] {
  const text = files.find(({ path }) => path === program)?.text ?? '';
  const serves =
    /\bListenAndServe(?:TLS)?\(|\bnet\.Listen\(|"github\.com\/(?:gin-gonic\/gin|labstack\/echo|gofiber\/fiber)\b/;
  if (!/^package main\b/m.test(text) || !serves.test(text)) return [];
  const finding = likely(program, 'it serves');
  return [{ name: 'web', command: ['go', 'run', '.'], env: {}, port: undefined, finding }];
}

/** The toolchain that a module names, or the least that it is written for. */
function versionOf({ path, text }: ProjectFile, notes: string[]): NeededTool[] {
  const line = (name: string) =>
    linesOf(text)
      .map((one) => one.replace(/\/\/.*/, '').split(/[ \t]+/, 3))
      .find(([word, value]) => word === name && value !== undefined)?.[1];
  const toolchain = line('toolchain')?.replace(/^go/, '');
  const written = toolchain === undefined || toolchain === 'default' ? line('go') : toolchain;
  if (written === undefined) return [];
  const range = rangeFrom(written);
  return askedTool(path, { name: 'go', label: 'Go', written: `>=${written}`, range }, notes);
}

/** What only other modules require may be left out of the build. */
function directlyRequired({ path, text }: ProjectFile): Dependency[] {
  return linesOf(text).flatMap((line) => {
    // SQLite is used by whatever brings it.
    if (line.endsWith('// indirect') && !line.includes('/go-sqlite3 ')) return [];
    const words = line.trim().split(/[ \t]+/, 3);
    const name = words[0] === 'require' ? words[1] : words[0];
    return name?.includes('.') ? [{ name: name.replace(/\/v\d{1,3}$/, ''), path }] : [];
  });
}

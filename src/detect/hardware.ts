import type { DetectInput, Detector, FoundFact } from '../core/detect.ts';
import type { Finding } from '../core/plan.ts';
import { formatBytes } from '../lib/bytes.ts';
import { printable } from '../lib/printable.ts';
import { createLook, type Look } from './look.ts';
import { below } from './paths.ts';

/** What the machine is: as much of it as decides what a VM here can have. */
export const hardware: Detector<'hardware'> = {
  area: 'hardware',
  summary: 'processors, memory, room, acceleration, graphics',
  async detect(input) {
    const look = createLook(input);
    const parts = [
      readProcessor(input, look),
      readMemory(look),
      readRoom(input, look),
      readAcceleration(input, look),
      readGraphics(look),
      readSystem(look),
    ];
    return (await Promise.all(parts)).flat();
  },
};

/** A fact of what the machine says itself. */
function fact(name: string, value: string, finding: Pick<Finding, 'source' | 'reason'>): FoundFact {
  return { name, value: printable(value, 200), finding: { ...finding, confidence: 'certain' } };
}

/** As the kernel names them. */
const architectures: Readonly<Record<string, string>> = {
  ...{ x64: 'x86_64', arm64: 'aarch64', ia32: 'i686', arm: 'armv7l', ppc64: 'ppc64le' },
};

async function readProcessor({ host }: DetectInput, look: Look): Promise<FoundFact[]> {
  const source = '/proc/cpuinfo';
  const text = (await look.text(source)) ?? '';
  const counted = [...text.matchAll(/^processor\s*:/gm)].length;
  // Not every architecture's has a name of the model.
  const model = /^(?:model name|Model|cpu model|cpu)\s*:\s*(\S.*)$/m.exec(text)?.[1];
  const { architecture } = host;
  return [
    fact('processors', String(counted || host.cpuCount), {
      ...{ source: counted ? source : 'sysconf', reason: 'the kernel counts them' },
    }),
    ...(model ? [fact('processor', model, { source, reason: 'the kernel says so' })] : []),
    fact('architecture', architectures[architecture] ?? architecture, {
      ...{ source: 'uname', reason: 'this program is of it' },
    }),
  ];
}

async function readMemory(look: Look): Promise<FoundFact[]> {
  const source = '/proc/meminfo';
  const text = (await look.text(source)) ?? '';
  const bytes = (key: string) => {
    const amount = new RegExp(`^${key}:\\s+(\\d{1,12}) kB$`, 'm').exec(text)?.[1];
    return amount === undefined ? undefined : formatBytes(Number(amount) * 1024);
  };
  const [total, free, swap] = [bytes('MemTotal'), bytes('MemAvailable'), bytes('SwapTotal')];
  return [
    ...(total ? [fact('memory', total, { source, reason: 'of the whole machine' })] : []),
    ...(free ? [fact('memory free', free, { source, reason: 'now, caches given up' })] : []),
    ...(swap ? [fact('swap', swap, { source, reason: 'of the whole machine' })] : []),
  ];
}

async function readRoom({ host, scope, note }: DetectInput, look: Look): Promise<FoundFact[]> {
  const source = look.home;
  try {
    const free = await host.files.freeBytes(below(scope.root, source));
    return [fact('disk free', formatBytes(free), { source, reason: 'where the home is' })];
  } catch {
    note(`${printable(source)}: its free room cannot be read`);
    return [];
  }
}

async function readAcceleration({ host, scope }: DetectInput, look: Look): Promise<FoundFact[]> {
  const source = '/dev/kvm';
  const none = (reason: string) => [fact('acceleration', 'none', { source, reason })];
  const there = (await look.facts(source)) !== undefined;
  if (!there) return none('there is no such device');
  if (!(await host.canOpen(below(scope.root, source)))) {
    return none('it does not open: the user is not in its group');
  }
  // It proves nothing by itself: the driver goes by the same (docs/lab.md).
  const flags = /^flags\s*:(.*)$/m.exec((await look.text('/proc/cpuinfo')) ?? '')?.[1];
  if (flags !== undefined && !/\b(vmx|svm)\b/.test(flags)) {
    return none('it opens, but the processor has neither vmx nor svm');
  }
  return [fact('acceleration', 'KVM', { source, reason: 'it opens for this user' })];
}

const makers: Readonly<Record<string, string>> = {
  ...{ '8086': 'Intel', '10DE': 'NVIDIA', '1002': 'AMD', '1AF4': 'virtio', '1234': 'QEMU' },
  ...{ '15AD': 'VMware', '80EE': 'VirtualBox', '1A03': 'ASPEED', '1013': 'Cirrus' },
};

async function readGraphics(look: Look): Promise<FoundFact[]> {
  const cards = (await look.names('/sys/class/drm')).filter((name) => /^card\d+$/.test(name));
  const found = await Promise.all(
    cards.map(async (card) => {
      const source = `/sys/class/drm/${card}`;
      const text = (await look.text(`${source}/device/uevent`)) ?? '';
      const driver = /^DRIVER=([\w-]+)$/m.exec(text)?.[1];
      const [, id = '', maker = ''] = /^PCI_ID=(([0-9A-F]{4}):[0-9A-F]{4})$/m.exec(text) ?? [];
      const value = [makers[maker], id.toLowerCase(), driver && `(${driver})`].filter(Boolean);
      return value.length === 0 ? [] : [{ source, value: value.join(' ') }];
    }),
  );
  return found.flat().map(({ source, value }, index) =>
    fact(index === 0 ? 'graphics' : `graphics ${index + 1}`, value, {
      ...{ source, reason: 'the kernel drives it' },
    }),
  );
}

const kernelPlace = '/proc/sys/kernel/osrelease';

async function readSystem(look: Look): Promise<FoundFact[]> {
  const places = ['/etc/os-release', '/usr/lib/os-release'] as const;
  const [own, other, kernel] = await Promise.all([
    ...places.map((place) => look.text(place)),
    look.text(kernelPlace),
  ]);
  const source = own === undefined ? places[1] : places[0];
  const name = /^PRETTY_NAME="?([^"\n]{1,200})"?$/m.exec(own ?? other ?? '')?.[1];
  const running = kernel?.trim();
  return [
    ...(name ? [fact('distribution', name, { source, reason: 'it says so itself' })] : []),
    ...(running
      ? [fact('kernel', `Linux ${running}`, { source: kernelPlace, reason: 'it runs now' })]
      : []),
  ];
}

import type { DetectInput } from '../../core/detect.ts';
import type { Look } from '../look.ts';
import type { Managed, Toolchain } from './toolchain.ts';

const homes = ['miniconda3', 'anaconda3', 'miniforge3', 'mambaforge', '.miniconda3'];
const systemPlaces = ['/opt/conda', '/opt/miniconda3', '/opt/miniforge3'];
const mostEnvironments = 40;

/** The Pythons of conda: of its base, which a new shell gets unless it is told not to, and of its environments. */
export async function readConda(_: DetectInput, look: Look): Promise<Managed[]> {
  const places = [...homes.map((home) => `${look.home}/${home}`), ...systemPlaces];
  const settings = await look.text(`${look.home}/.condarc`);
  const isActive = !/^auto_activate(?:_base)?:\s*(?:false|no|off)\b/m.test(settings ?? '');
  const found = places.map(async (directory): Promise<Managed[]> => {
    const base = await pythonOf(look, directory);
    if (base.length === 0) return [];
    const names = (await look.names(`${directory}/envs`)).slice(0, mostEnvironments);
    const others = await Promise.all(
      names.map((name) => pythonOf(look, `${directory}/envs/${name}`)),
    );
    const chosen = isActive && base[0] ? [['python', base[0].path] as const] : [];
    return [
      {
        ...{ manager: 'conda', directory, toolchains: [...base, ...others.flat()] },
        ...{ chosen: new Map(chosen), startedBy: /conda initialize|conda\.sh|conda shell\./ },
      },
    ];
  });
  return (await Promise.all(found)).flat();
}

/** An environment has a record for each of its packages: `python-3.12.4-h5148396_1.json`. */
async function pythonOf(look: Look, prefix: string): Promise<Toolchain[]> {
  const record = (await look.names(`${prefix}/conda-meta`)).find((one) => /^python-\d/.test(one));
  const version = /^python-(\d+\.\d+\.\d+)-/.exec(record ?? '')?.[1];
  if (version === undefined) return [];
  const finding = {
    source: prefix,
    confidence: 'certain',
    reason: 'installed with conda',
  } as const;
  return [
    {
      ...{ name: 'python', version, path: `${prefix}/bin/python`, prefix },
      manager: 'conda',
      finding,
    },
  ];
}

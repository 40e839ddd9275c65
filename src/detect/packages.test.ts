import { describe, expect, it } from 'vitest';
import { makeSystem } from '../../test/fixtures/system-tree.ts';
import { because, reportOf } from '../../test/fixtures/workstation-bed.ts';

/** The packages of a system, each in one line, and the problems. */
async function packagesOf(root: string) {
  const { found, problems } = await reportOf(root, ['packages']);
  return {
    packages: found.packages?.map((one) => `${one.name} ${one.version}`),
    because: [...new Set(found.packages?.map(({ finding }) => because(finding)))],
    problems: problems.map(({ reason }) => reason),
  };
}

function debian(name: string, fields: Record<string, string> = {}): string {
  const all = {
    Package: name,
    Status: 'install ok installed',
    Priority: 'optional',
    Architecture: 'amd64',
    Version: '1-1',
    ...fields,
  };
  return Object.entries(all)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

describe('of dpkg', () => {
  it('those are asked for that are installed and not there for others, in each architecture', async () => {
    const status = [
      debian('dpkg', { Essential: 'yes' }),
      debian('ifupdown', { Priority: 'important' }),
      debian('wanted', { Description: 'a tool\n .\n Package: none of its fields\n Status: x' }),
      debian('wanted-all', { Architecture: 'all' }),
      debian('needed'),
      debian('needed-all', { Architecture: 'all' }),
      debian('libc6', { Architecture: 'i386' }),
      debian('needed', { Architecture: 'i386' }),
      debian('half', { Status: 'install reinstreq half-installed' }),
      debian('kept', { Status: 'hold ok installed' }),
      debian('gone', { Status: 'deinstall ok config-files' }),
      debian('../escape'),
      debian('broken', { Version: '\u001b[31m' }),
    ];
    const state = (name: string, architecture: string, automatic = '1') =>
      `Package: ${name}\nArchitecture: ${architecture}\nAuto-Installed: ${automatic}\n`;
    const root = makeSystem({
      'var/lib/dpkg/status': status.join('\n'),
      'var/lib/apt/extended_states': [
        state('needed', 'amd64'),
        state('needed-all', 'amd64'),
        state('wanted', 'amd64', '0'),
      ].join('\n'),
    });
    expect(await packagesOf(root)).toEqual({
      packages: ['kept 1-1', 'libc6:i386 1-1', 'needed:i386 1-1', 'wanted 1-1', 'wanted-all 1-1'],
      because: ['certain, /var/lib/apt/extended_states: apt has it as asked for'],
      problems: [],
    });
  });
});

describe('of rpm', () => {
  const program = `printf '%s\\t%s\\t%s\\n' bash 5.2-1 x86_64 vim 2:9.1-1 x86_64 gpg-pubkey a1b2-c3 '(none)'`;
  const rpm = { 'usr/lib/sysimage/rpm/rpmdb.sqlite': '', 'bin/rpm': { program } };
  const state = 'usr/lib/sysimage/libdnf5/packages.toml';
  const all = {
    packages: ['bash 5.2-1', 'vim 2:9.1-1'],
    because: ['guess, rpm: it is installed; why, nobody wrote down'],
  };

  it('all are a guess, where dnf has not written down why they are there', async () => {
    expect(await packagesOf(makeSystem(rpm))).toEqual({ ...all, problems: [] });
  });

  it('those are asked for that dnf says so of', async () => {
    const toml =
      '[packages]\n"vim.x86_64" = { reason = "User" }\n"bash.x86_64" = { reason = "Group" }\n';
    expect(await packagesOf(makeSystem({ ...rpm, [state]: toml }))).toEqual({
      packages: ['vim 2:9.1-1'],
      because: [`certain, /${state}: dnf has it as asked for`],
      problems: [],
    });
  });

  it('all are a guess, where what dnf has written is not understood', async () => {
    for (const toml of ['[packages', 'packages = 3', '[packages.vim]\nreason = 1']) {
      expect(await packagesOf(makeSystem({ ...rpm, [state]: toml }))).toEqual({
        ...all,
        problems: [`/${state} is not understood`],
      });
    }
  });

  it('none is taken on a system of dpkg', async () => {
    const root = makeSystem({ ...rpm, 'var/lib/dpkg/status': debian('tmux') });
    expect((await packagesOf(root)).packages).toEqual(['tmux 1-1']);
  });
});

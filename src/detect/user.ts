import type { DetectInput, Detector, FoundFact } from '../core/detect.ts';
import type { HostUser } from '../core/host.ts';
import { printable } from '../lib/printable.ts';
import { readGitIdentity } from './git-identity.ts';
import { createLook, type Look } from './look.ts';

/** Who the user is: what an account in a guest is made from. */
export const user: Detector<'user'> = {
  area: 'user',
  summary: 'the account, its groups, shell, language, time zone and name in git',
  async detect(input) {
    const look = createLook(input);
    const [account, locale, zone, git] = await Promise.all([
      readAccount(input, look),
      readLocale(input, look),
      readZone(input, look),
      readGitIdentity(look),
    ]);
    return [...account, ...locale, ...zone, ...git];
  },
};

function fact(name: string, value: string, [source, reason]: [string, string]): FoundFact {
  const finding = { source, confidence: 'certain', reason } as const;
  return { name, value: printable(value, 1000), finding };
}

async function readAccount(input: DetectInput, look: Look): Promise<FoundFact[]> {
  const source = '/etc/passwd';
  const account = await accountOf(input, look);
  if (account === undefined) {
    input.note(`no account has the home ${printable(look.home)}`);
    return [];
  }
  const { name, uid, gid, shell, home } = account;
  const groups = await groupsOf(look, account);
  const own: [string, string] = [source, 'the account'];
  return [
    fact('name', name, own),
    fact('uid', String(uid), own),
    fact('gid', String(gid), own),
    ...(groups.length > 0
      ? [fact('groups', groups.join(' '), ['/etc/group', 'it is a member of them'])]
      : []),
    fact('shell', shell, own),
    fact('home', home, own),
  ];
}

/** This machine's is asked by the system, which knows those of a directory service too. */
async function accountOf({ host, scope }: DetectInput, look: Look): Promise<HostUser | undefined> {
  if (scope.root === '/') return { ...host.user, home: look.home };
  const lines = ((await look.text('/etc/passwd')) ?? '').split('\n');
  const fields = lines
    .map((line) => line.split(':'))
    .find(([, , , , , home]) => home === look.home);
  if (fields === undefined) return undefined;
  const [name = '', , uid, gid, , home = '', shell = ''] = fields;
  return { name, uid: Number(uid), gid: Number(gid), home, shell };
}

async function groupsOf(look: Look, { name, gid }: HostUser): Promise<string[]> {
  const lines = ((await look.text('/etc/group')) ?? '').split('\n');
  return lines.flatMap((line) => {
    const [group = '', , id, members = ''] = line.split(':');
    const isIn = id === String(gid) || members.split(',').includes(name);
    return isIn && group !== '' ? [printable(group)] : [];
  });
}

/** The one of this session, or the one of every new one. */
async function readLocale({ host }: DetectInput, look: Look): Promise<FoundFact[]> {
  const isLocale = /^[\w.@-]{1,60}$/;
  const { LC_ALL, LANG } = host.env;
  const own = [LC_ALL, LANG].find((one) => isLocale.test(one ?? ''));
  if (own !== undefined) return [fact('locale', own, ['environment', 'of this session'])];
  for (const source of ['/etc/default/locale', '/etc/locale.conf']) {
    const text = (await look.text(source)) ?? '';
    const found = /^\s*LANG="?([\w.@-]{1,60})"?\s*$/m.exec(text)?.[1];
    if (found !== undefined) return [fact('locale', found, [source, 'of every session'])];
  }
  return [];
}

const isZone = /^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/;

async function readZone({ host }: DetectInput, look: Look): Promise<FoundFact[]> {
  const own = host.env.TZ?.replace(/^:/, '');
  if (own && isZone.test(own)) return [fact('time zone', own, ['environment', 'of this session'])];
  const link = await look.link('/etc/localtime');
  const linked = /\/zoneinfo\/(.+)$/.exec(link ?? '')?.[1];
  if (linked && isZone.test(linked)) {
    return [fact('time zone', linked, ['/etc/localtime', "the machine's"])];
  }
  const text = (await look.text('/etc/timezone'))?.trim();
  return text && isZone.test(text)
    ? [fact('time zone', text, ['/etc/timezone', "the machine's"])]
    : [];
}

import { describe, expect, it } from 'vitest';
import type { VmName } from '../core/name.ts';
import type { VmPlan } from '../core/plan.ts';
import { parseConfig } from './parse-config.ts';
import type { PlanInput } from './plan-input.ts';
import { resolvePlan } from './resolve-plan.ts';

const me = { name: 'me', uid: 1000, gid: 100, shell: '/usr/bin/fish' };
const hostRoot = { name: 'root', uid: 0, gid: 0, home: '/root', shell: '/bin/zsh' };

/** The plan of the lines after `version: '2'`. */
function planOf(lines: string, changed: Partial<PlanInput> = {}): VmPlan {
  return resolvePlan({
    config: parseConfig(`version: '2'\n${lines}`, 'x'),
    configFile: '/home/me/app/.clonebox.yaml',
    project: '/home/me/app',
    overrides: {},
    hostUser: { ...me, home: '/home/me' },
    cpuCount: 8,
    env: {},
    defaultName: 'app' as VmName,
    home: '/home/me',
    ...changed,
  });
}

describe('the user of a plan', () => {
  it.each<[string, string, Partial<PlanInput>, object]>([
    ['is the host user', '', {}, me],
    [
      'is root for root',
      '',
      { hostUser: hostRoot },
      { name: 'root', uid: 0, gid: 0, shell: '/bin/zsh' },
    ],
    ['is who called sudo', '', { hostUser: hostRoot, sudoUser: me }, me],
    ['is not who called sudo for another user', '', { sudoUser: { ...me, name: 'x' } }, me],
    ['may be named', 'vm: { user: { name: dev } }', {}, { ...me, name: 'dev' }],
    [
      'has no ids of root under another name',
      'vm: { user: { name: dev } }',
      { hostUser: hostRoot },
      { name: 'dev', uid: 1000, gid: 1000, shell: '/bin/zsh' },
    ],
    [
      'may be root',
      'vm: { user: { name: root } }',
      {},
      { name: 'root', uid: 0, gid: 0, shell: '/usr/bin/fish' },
    ],
    [
      'is root by its id',
      'vm: { user: { uid: 0 } }',
      {},
      { name: 'root', uid: 0, gid: 0, shell: '/usr/bin/fish' },
    ],
    [
      'has a shell to log in with',
      '',
      { hostUser: { ...me, home: '/', shell: '/usr/sbin/nologin' } },
      { ...me, shell: '/bin/bash' },
    ],
    [
      'has a name that a guest knows',
      '',
      { hostUser: { ...me, home: '/', name: 'CORP\\Jo.Doe' } },
      { ...me, name: 'jo-doe' },
    ],
    [
      'cannot be taken for root',
      '',
      { hostUser: { ...me, home: '/', name: 'Root' } },
      { ...me, name: 'user' },
    ],
  ])('%s', (_claim, lines, changed, user) => {
    expect(planOf(lines, changed).user).toEqual(user);
  });
});

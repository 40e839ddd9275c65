import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Bed, Start } from './bed.ts';
import { keysOf, newPassword, passwordOf } from './guest-view.ts';

/** An operation that is journaled, and how to ask for it. */
export interface Operation {
  readonly name: string;
  /** Its line in the audit log. */
  readonly event: string;
  readonly start: Start;
  /** What must be so before it begins, beside VMs. */
  prepare?(bed: Bed): Promise<void> | void;
  argv(bed: Bed): string[];
  /** Standard input. */
  readonly input?: string;
  /** What only the guest can tell of it. Throws when that may be at no moment. */
  observe?(bed: Bed): Promise<unknown>;
}

const quick = ['--no-template', '--image', 'quick'];
const disk = (bed: Bed) => path.join(path.dirname(bed.project), 'own.qcow2');

function makeDisk(bed: Bed): void {
  if (!existsSync(disk(bed)))
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk(bed), '16M']);
}

/** Every operation that changes something; those of a running machine cost a boot for each case. */
export const operations: readonly Operation[] = [
  {
    name: 'clone',
    event: 'vm.create',
    start: 'nothing',
    argv: ({ project }) => ['clone', project, ...quick],
  },
  {
    name: 'clone --run',
    event: 'vm.create',
    start: 'nothing',
    argv: ({ project }) => ['clone', project, '--run', '--no-wait', ...quick],
  },
  {
    name: 'clone --apply',
    event: 'vm.update',
    start: 'stopped',
    prepare: (bed) => bed.configure(`['${bed.port + 2}:80', '${bed.port + 3}:82']`),
    argv: ({ project }) => ['clone', project, '--apply', '--memory', '512M', ...quick],
  },
  {
    name: 'clone --replace',
    event: 'vm.replace',
    start: 'stopped',
    argv: ({ project }) => ['clone', project, '--replace', ...quick],
  },
  {
    name: 'start',
    event: 'vm.start',
    start: 'stopped',
    argv: () => ['start', 'shop', '--no-wait'],
  },
  { name: 'stop', event: 'vm.stop', start: 'running', argv: () => ['stop', 'shop'] },
  {
    name: 'delete, running',
    event: 'vm.delete',
    start: 'running',
    argv: () => ['delete', 'shop', '--yes'],
  },
  { name: 'delete', event: 'vm.delete', start: 'stopped', argv: () => ['delete', 'shop'] },
  {
    name: 'delete --purge',
    event: 'vm.delete',
    start: 'stopped',
    argv: () => ['delete', 'shop', '--purge'],
  },
  { name: 'recover', event: 'vm.restore', start: 'trashed', argv: () => ['recover', 'shop'] },
  {
    name: 'port add',
    event: 'port.add',
    start: 'stopped',
    argv: ({ port }) => ['port', 'add', `${port + 4}:81`, 'shop'],
  },
  {
    name: 'port remove',
    event: 'port.remove',
    start: 'stopped',
    argv: () => ['port', 'remove', '80', 'shop'],
  },
  {
    name: 'secret rotate',
    event: 'secret.rotate',
    start: 'running',
    argv: () => ['secret', 'rotate', '--vm', 'shop'],
    observe: keysOf,
  },
  {
    name: 'set-password',
    event: 'auth.password.changed',
    start: 'running',
    argv: () => ['set-password', 'shop', '--stdin', '--expire'],
    input: `${newPassword}\n`,
    observe: passwordOf,
  },
  {
    name: 'cp, out of a VM',
    event: 'vm.copy',
    start: 'running',
    argv: ({ project }) => ['cp', 'shop:/etc/hosts', path.join(project, 'copied')],
  },
  {
    name: 'init',
    event: 'config.create',
    start: 'nothing',
    prepare: ({ project }) => execFileSync('rm', [path.join(project, '.clonebox.yaml')]) as never,
    argv: ({ project }) => ['init', project],
  },
  {
    name: 'config migrate',
    event: 'config.modify',
    start: 'nothing',
    prepare: ({ project }) =>
      writeFileSync(
        path.join(project, '.clonebox.yaml'),
        "version: '1'\nvm: { name: shop, ram_mb: 1024 }\n",
      ),
    argv: ({ project }) => ['config', 'migrate', project],
  },
  {
    name: 'image import',
    event: 'image.import',
    start: 'nothing',
    prepare: async (bed) => {
      makeDisk(bed);
      await bed.run(['image', 'prune']);
    },
    argv: (bed) => ['image', 'import', disk(bed), '--name', 'own'],
  },
  {
    name: 'image prune',
    event: 'image.prune',
    start: 'nothing',
    prepare: async (bed) => {
      makeDisk(bed);
      await bed.run(['image', 'import', disk(bed), '--name', 'own']);
    },
    argv: () => ['image', 'prune'],
  },
];

import type { ProvisionStep } from '../../core/plan.ts';
import type { TemplateInputs } from '../../core/template.ts';

/** One of the things by which two templates differ: what it is, and how. */
export interface Difference {
  readonly what: string;
  readonly how: string;
}

/** Why two keys are not the same: everything that differs, from the one to the other. No value of a variable is shown. */
export function differences(from: TemplateInputs, to: TemplateInputs): Difference[] {
  return [
    ...value('CloneBox', from.recipe, to.recipe),
    ...value('image', from.image.slice(0, 12), to.image.slice(0, 12)),
    ...list('packages', from.packages, to.packages),
    ...list('snap_packages', from.snaps, to.snaps),
    ...list('services', from.services, to.services),
    ...steps(from.provision, to.provision),
    ...names('environment', from.environment, to.environment),
    ...value('user', userText(from), userText(to)),
    ...value('time zone', from.timeZone, to.timeZone),
    ...value('locale', from.locale, to.locale),
    ...names('certificates', from.certificates, to.certificates),
  ];
}

function value(what: string, from: string, to: string): Difference[] {
  return from === to ? [] : [{ what, how: `${from || 'none'} -> ${to || 'none'}` }];
}

function list(what: string, from: readonly string[], to: readonly string[]): Difference[] {
  const gone = from.filter((one) => !to.includes(one)).map((one) => `-${one}`);
  const come = to.filter((one) => !from.includes(one)).map((one) => `+${one}`);
  return gone.length + come.length === 0 ? [] : [{ what, how: [...gone, ...come].join(' ') }];
}

function names(
  what: string,
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): Difference[] {
  const other = Object.keys(to).filter(
    (name) => Object.hasOwn(from, name) && from[name] !== to[name],
  );
  const changed = other.map((name) => `another ${name}`).join(' ');
  const [first] = list(what, Object.keys(from), Object.keys(to));
  const how = [first?.how, changed].filter((part) => part).join(' ');
  return how === '' ? [] : [{ what, how }];
}

function steps(from: readonly ProvisionStep[], to: readonly ProvisionStep[]): Difference[] {
  const length = Math.max(from.length, to.length);
  for (let index = 0; index < length; index++) {
    const [before, after] = [from[index], to[index]].map((step) => step && stepText(step));
    if (JSON.stringify(from[index]) === JSON.stringify(to[index])) continue;
    const how = `step ${index + 1}: ${before ?? 'none'} -> ${after ?? 'none'}`;
    return [
      { what: 'provision', how: before === after ? `step ${index + 1}: another ${after}` : how },
    ];
  }
  return [];
}

function stepText(step: ProvisionStep): string {
  return step.kind === 'file' ? step.path : (step.run.split('\n')[0] ?? '').slice(0, 60);
}

function userText({ user }: TemplateInputs): string {
  return `${user.name} (${user.uid}:${user.gid}, ${user.shell})`;
}

import type { Ctx } from '../core/ctx.ts';
import type { VmPlan } from '../core/plan.ts';
import type { CloneInput } from './clone.ts';
import { loadPlan } from './load-plan.ts';
import { findProject } from './target.ts';

export interface DryRun {
  readonly plan: PlanView;
}

/** The plan as scripts and people read it (interface of `clone --dry-run`). */
export interface PlanView {
  readonly vm: {
    name: string;
    driver: string;
    cpus: number;
    memory: number;
    disk: number;
    user: string;
    accel: string;
  };
  readonly image: string;
  readonly template: { key: string | null; state: string };
  readonly needs: readonly {
    name: string;
    version: string | null;
    via: string;
    package: string;
    finding: unknown;
  }[];
  readonly services: readonly string[];
  readonly shares: VmPlan['shares'];
  readonly ports: readonly { name: string; guest: number; host: number | null }[];
  readonly run: readonly { name: string; command: readonly string[]; port: number | null }[];
  readonly provision: number;
  readonly withheld: VmPlan['withheld'];
  readonly configFile: { path: string; state: 'exists' | 'would be written' };
}

/** What `clone` would make. Never asks, writes nothing anywhere. */
export async function dryRun(ctx: Ctx, input: CloneInput): Promise<DryRun> {
  const project = await findProject(ctx, input.target, input.cwd);
  const { plan, draft } = await loadPlan(ctx, project, { overrides: input.overrides });
  const { name, driver, cpus, memory, disk, user, accel } = plan;
  // An unknown driver is found out here and not by a half-made VM.
  await ctx.driver(plan.driver);
  return {
    plan: {
      vm: { name, driver, cpus, memory, disk, user: user.name, accel },
      image: plan.image,
      template: { key: null, state: 'not available yet' },
      needs: plan.packages.map((one) => ({
        name: one.name,
        version: one.version ?? null,
        via: 'apt',
        package: one.name,
        finding: one.finding,
      })),
      services: plan.services,
      shares: plan.shares,
      ports: plan.ports.map((port) => ({ ...port, host: port.host ?? null })),
      run: plan.run.map((unit) => ({
        name: unit.name,
        command: unit.command,
        port: unit.port ?? null,
      })),
      provision: plan.provision.length,
      withheld: plan.withheld,
      configFile: {
        path: project.configFile,
        state: draft === undefined ? 'exists' : 'would be written',
      },
    },
  };
}

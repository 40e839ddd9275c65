import { stringify } from 'yaml';
import { refusedProject } from '../config/refused.ts';
import type { Ctx } from '../core/ctx.ts';
import type { DetectArea, DetectReport } from '../core/detect.ts';
import { dedupeReport } from './dedupe-report.ts';
import { detect, patience } from './detect.ts';
import type { OutputFile } from './output-file.ts';

export interface DetectHereInput {
  /** Nothing means every area. */
  readonly areas: readonly DetectArea[];
  readonly cwd: string;
  readonly dedupe: boolean;
  /** Milliseconds that it may take. */
  readonly deadline: number | undefined;
}

/** What this workstation has, and what the project in the current directory needs, if that is one. */
export async function detectHere(ctx: Ctx, input: DetectHereInput): Promise<DetectReport> {
  const { home } = ctx.host.user;
  const scope = { root: '/', home, project: await projectAt(ctx, input.cwd) };
  const { areas, deadline = patience } = input;
  const report = await detect(ctx, { areas, scope, pace: deadline / patience });
  return input.dedupe ? dedupeReport(report) : report;
}

/** The current directory, unless it is the home or of the system: those are no projects. */
async function projectAt(ctx: Ctx, cwd: string): Promise<string | undefined> {
  const directory = await ctx.host.files.realPath(cwd);
  if (directory === undefined) return undefined;
  const home = (await ctx.host.files.realPath(ctx.host.user.home)) ?? ctx.host.user.home;
  return refusedProject(directory, home) === undefined ? directory : undefined;
}

export type ReportFormat = 'json' | 'yaml';

/** A report as a document. */
export function reportText(report: DetectReport, format: ReportFormat): string {
  return format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : stringify(report);
}

export interface SavedReport {
  readonly file: string;
  readonly format: ReportFormat;
  /** How many things are in it. */
  readonly found: number;
  readonly problems: number;
}

/** Writes a report into a file for this user alone: the whole of it, or what was there before. */
export async function saveReport(
  report: DetectReport,
  output: { format: ReportFormat; file: OutputFile },
): Promise<SavedReport> {
  const { format, file } = output;
  await file.write(reportText(report, format));
  const found = Object.values(report.found).reduce((sum, items) => sum + items.length, 0);
  return { file: file.path, format, found, problems: report.problems.length };
}

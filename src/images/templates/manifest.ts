import * as z from 'zod';
import { identityItems } from '../../core/identity.ts';
import type { TemplateInputs, WarmShape } from '../../core/template.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const digests = z.record(z.string(), z.string());
const strings = z.array(z.string());

const Stored = z.object({ sha256: digest, size: z.number() });

const provisionStep = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run'), run: z.string(), as: z.enum(['root', 'user']) }),
  z.object({ kind: z.literal('file'), path: z.string(), content: z.string(), mode: z.int() }),
]);

const Inputs = z.object({
  recipe: z.string(),
  image: digest,
  packages: strings,
  snaps: strings,
  services: strings,
  provision: z.array(provisionStep),
  environment: digests,
  user: z.object({ name: z.string(), uid: z.int(), gid: z.int(), shell: z.string() }),
  timeZone: z.string(),
  locale: z.string(),
  certificates: digests,
}) satisfies z.ZodType<TemplateInputs>;

const Shape = z.object({
  cpus: z.int(),
  memory: z.number(),
  disk: z.number(),
  machine: z.string(),
  layout: z.int(),
  resident: strings,
  hypervisor: z.string(),
}) satisfies z.ZodType<WarmShape>;

/** `manifest.json` of a template (docs/internals.md). */
export const TemplateManifest = z.object({
  version: z.literal(1),
  inputs: Inputs,
  image: z.object({
    reference: z.string(),
    digest,
    boot: z.discriminatedUnion('kind', [
      z.object({
        kind: z.literal('direct'),
        kernel: z.string(),
        initrd: z.string(),
        commandLine: z.string(),
      }),
      z.object({ kind: z.literal('firmware') }),
    ]),
  }),
  created: z.iso.datetime(),
  files: z.object({ 'disk.qcow2': Stored }),
});
export type TemplateManifest = z.infer<typeof TemplateManifest>;

/** `manifest.json` of a kept memory. */
export const WarmManifest = z.object({
  version: z.literal(1),
  shape: Shape,
  baseline: z.partialRecord(z.enum(identityItems), z.string()),
  created: z.iso.datetime(),
  files: z.object({ 'disk.qcow2': Stored, ram: Stored, state: Stored }),
});
export type WarmManifest = z.infer<typeof WarmManifest>;

/** The files that a manifest tells of. */
export type StoredFiles = Readonly<Record<string, z.infer<typeof Stored>>>;

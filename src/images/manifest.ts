import * as z from 'zod';
import { sha256 } from '../lib/sha256.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

const FileName = z.enum(['disk.qcow2', 'kernel', 'initrd']);
type FileName = z.infer<typeof FileName>;

/** `manifest.json` of an image (docs/images.md). */
export const Manifest = z.object({
  version: z.literal(1),
  digest: hex,
  /** The reference it was first made under. */
  reference: z.string(),
  source: z.enum(['bootstrap', 'catalogue', 'file', 'url']),
  created: z.iso.datetime(),
  files: z.partialRecord(FileName, z.object({ sha256: hex, size: z.number() })),
  boot: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('direct'), commandLine: z.string() }),
    z.object({ kind: z.literal('firmware') }),
  ]),
  setup: z.enum(['agent', 'cloud-init']),
  facts: z.record(z.string(), z.unknown()),
});
export type Manifest = z.infer<typeof Manifest>;

/** `references.json`: the only part of an image that changes, newest first. */
export const References = z
  .array(
    z.object({
      reference: z.string(),
      at: z.iso.datetime(),
      /** Size and time of the file that was imported: a changed file is imported again. */
      stamp: z.string().optional(),
    }),
  )
  .min(1);
export type References = z.infer<typeof References>;

/** What a builder knows of its image; digests, sizes and the time are added when it is published. */
export type Draft = Pick<Manifest, 'reference' | 'source' | 'boot' | 'setup' | 'facts'> & {
  readonly stamp?: string;
};

/** The files an image consists of. */
export function namesOf(manifest: Manifest): FileName[] {
  return FileName.options.filter((name) => manifest.files[name] !== undefined);
}

/** The name of an image: sha256 over the sorted digests of its files, one a line. */
export function digestOf(files: Manifest['files']): string {
  const digests = Object.values(files).map((file) => file?.sha256 ?? '');
  return sha256(`${digests.sort().join('\n')}\n`);
}

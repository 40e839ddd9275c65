import * as field from '../fields.ts';
import { configSchema } from '../schema.ts';

/** A profile: the keys of `.clonebox.yaml` but those that are one project's own, and what it stands on. */
export const profileSchema = configSchema
  .omit({ version: true, profiles: true, paths: true })
  .extend({
    description: field
      .text((value) => (/[\r\n]/.test(value.trim()) ? 'has more than one line' : undefined))
      .optional(),
    extends: field.profileNames.optional(),
    vm: configSchema.shape.vm.unwrap().omit({ name: true }).optional(),
  });

import { exitCodes } from '../../core/errors.ts';
import { defineCommand } from '../command.ts';
import type { Value } from '../option.ts';
import { renderVerify } from '../render/audit.ts';

const expectOption: Value<string> = {
  kind: 'value',
  value: 'HASH',
  summary: 'a head noted before must still be in the log',
  parse: (text) => {
    if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
    throw new RangeError('is no hash: 64 digits, 0-9 and a-f');
  },
};

export const auditVerify = defineCommand({
  description: `Checks every line of the audit log against its hash and its neighbours, and names the first one that was changed, removed or inserted; exit code 10 then.

Who may write the log can write all of it anew: note the head it prints on another machine, and check with --expect that it is still there.`,
  arguments: {},
  options: { expect: expectOption },
  examples: [
    { line: 'clonebox audit verify', what: 'the whole log' },
    { line: 'clonebox audit verify --json', what: 'for scripts: { "ok", "head", "problem", ... }' },
  ],
  run: async ({ ctx, options }) => {
    const ops = await import('../../ops/audit/verify.ts');
    return ops.verifyAudit(ctx, options.expect);
  },
  render: renderVerify,
  exitCode: ({ ok }) => (ok ? 0 : exitCodes.refused),
});

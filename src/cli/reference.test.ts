import { expect, it } from 'vitest';
import { cliReference } from './reference.ts';

it('docs/reference/cli.md says what the registry says (after a change: vitest -u)', async () => {
  await expect(await cliReference()).toMatchFileSnapshot('../../docs/reference/cli.md');
});

import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const minutes = 60_000;

// Real machines boot here, often without hardware virtualisation: one file at a time, and patience.
const realMachines = {
  fileParallelism: false,
  testTimeout: 20 * minutes,
  hookTimeout: 20 * minutes,
};

export default defineConfig({
  define: { __VERSION__: JSON.stringify(version), __FAULTS__: 'false' },
  // Node 20 has no `using` of its own; the bundle is lowered to the same target.
  oxc: { target: 'node20' },
  test: {
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/unit/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...realMachines },
      },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...realMachines },
      },
      {
        extends: true,
        test: { name: 'attacks', include: ['test/attacks/**/*.test.ts'], ...realMachines },
      },
      {
        extends: true,
        test: { name: 'crash', include: ['test/crash/**/*.test.ts'], ...realMachines },
      },
    ],
  },
});

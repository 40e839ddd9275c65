import { expect, test } from 'vitest';
import { createLineReader } from './bootstrap-progress.ts';

test('the lines of mmdebstrap become a count of packages', () => {
  const read = createLineReader();
  const lines = [
    'I: running apt-get update...',
    'Get:1 http://mirror.example/debian bookworm InRelease [151 kB]',
    'I: downloading packages with apt...',
    '0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.',
    'Get:1 http://mirror.example/debian bookworm/main amd64 libc6 amd64 2.36-9 [2757 kB]',
    'Unpacking libc6:amd64 (2.36-9) ...',
    'Setting up libc6:amd64 (2.36-9) ...',
    'Setting up bash (5.2.15-2) ...',
    'Processing triggers for libc-bin (2.36-9) ...',
    '0 upgraded, 4 newly installed, 0 to remove and 0 not upgraded.',
    'Setting up sudo (1.9) ...',
  ];
  expect(lines.map(read).filter((text) => text !== undefined)).toEqual([
    'reading package lists',
    'choosing the base packages',
    'downloading 1 of 2 packages (50 %): libc6',
    'unpacking 1 of 2 packages (50 %): libc6',
    'configuring 1 of 2 packages (50 %): libc6',
    'configuring 2 of 2 packages (100 %): bash',
    'configuring 1 of 4 packages (25 %): sudo',
  ]);
});

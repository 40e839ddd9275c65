import { rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { driverContract } from '../contracts/driver-contract.ts';
import { openBed } from '../fixtures/machine-bed.ts';
import { makeScratch, makeTinyGuest } from '../fixtures/tiny-guest.ts';

const scratch = makeScratch();
afterAll(() => rmSync(scratch, { recursive: true }));
const guest = await makeTinyGuest(scratch);
const bed = await openBed('qemu');
const unable = bed.facts.problems[0]?.what;
await bed.close();

driverContract('qemu', { guest, unable });
driverContract('qemu', { guest, unable, env: { CLONEBOX_NETWORK: 'user' } });

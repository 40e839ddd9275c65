import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** True only in builds for the crash tests (scripts/build.mjs --faults): the bundle that users get has none of this. */
declare const __FAULTS__: boolean;

let count = 0;

/**
 * A place where a crash test may strike: after each step of an operation. FAULT_LIST names a file that gets the name of
 * every point passed; FAULT_AT is the number of the one at which the shell command FAULT_DO runs, with our pid as `$1`.
 */
export async function faultPoint(name: string): Promise<void> {
  if (__FAULTS__) await strikeAt(name);
}

async function strikeAt(name: string): Promise<void> {
  count += 1;
  const { FAULT_LIST, FAULT_AT, FAULT_DO } = process.env;
  if (FAULT_LIST) appendFileSync(FAULT_LIST, `${count} ${name}\n`);
  if (FAULT_AT !== String(count) || !FAULT_DO) return;
  spawnSync('/bin/sh', ['-c', FAULT_DO, 'sh', String(process.pid)], { stdio: 'inherit' });
  // A signal that was sent is heard only now.
  await delay(20);
}

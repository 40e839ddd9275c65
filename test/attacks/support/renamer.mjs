// What a guest can do to a directory that it writes to, and no more than that, as fast as it can: it renames, links, writes,
// removes, makes directories, and waits for a moment. `node renamer.mjs STEPS` goes through a list of steps again and again,
// always to its end, until its standard input is closed. It says `running` after the first time, and at the end how often.
import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';

const still = new Int32Array(new SharedArrayBuffer(4));

/** A step is the name of one of these and its words. */
const deeds = {
  rename: renameSync,
  symlink: symlinkSync,
  unlink: unlinkSync,
  mkdir: mkdirSync,
  write: (name, text) => writeFileSync(name, text, { mode: 0o600 }),
  /** Up to so many milliseconds, each time another number. */
  wait: (most) => Atomics.wait(still, 0, 0, Math.random() * most),
};

const steps = JSON.parse(process.argv[2]);
let times = 0;
let isAsked = false;
process.stdin.on('end', () => {
  isAsked = true;
});
process.stdin.resume();

function once() {
  for (const [deed, ...words] of steps) deeds[deed](...words);
  times += 1;
  if (times === 1) process.stdout.write('running\n');
  if (isAsked) process.stdout.write(`${times}\n`);
  else setImmediate(once);
}
once();

import { CloneboxError } from '../../core/errors.ts';
import type { RunResult } from '../../core/process.ts';
import type { VmRecord } from '../../core/record.ts';
import { printable } from '../../lib/printable.ts';
import { shellQuote } from '../../lib/quote.ts';

// What a guest runs: by sh alone, as its user, in the user's home. The archive has everything below `top`.

/** What the scripts end with, and what that means. */
const statuses = { missing: 72, misfit: 73, special: 74, cut: 75 } as const;

/** A command line for a guest's shell that runs a script with these words, whatever is in them. */
export function shellCommand(script: string, words: readonly string[]): string {
  return ['exec', 'sh', '-c', script, 'cp', ...words].map(shellQuote).join(' ');
}

// In the C locale names are bytes for sed's patterns too, and messages are those that are looked for below.
const start = `LC_ALL=C; export LC_ALL
fail() { status=$1; shift; printf '%s\\n' "$*" >&2; exit "$status"; }
plain() {
  case $1 in /*) printf '%s.' "$1";; '~' | '~/'*) printf '%s%s.' "$HOME" "\${1#?}";; *) printf '%s/%s.' "$PWD" "$1";; esac
}
`;

/**
 * Parameters: the destination, the name of what is copied, `contents` or nothing. Unpacks into a private directory on the
 * destination's file system and moves it into its place when it is whole: an archive that was cut off has no `proc`.
 */
export const receiveScript = `${start}
to=$(plain "$1"); to=\${to%.}; kind=$3
if [ -d "$to" ]; then
  around=$to
  if [ "$kind" = contents ]; then target=\${to%/}/.; else target=\${to%/}/$2; fi
else
  case $to in */) fail ${statuses.missing} "there is no directory $1";; esac
  around=\${to%/*}; [ -n "$around" ] || around=/
  [ -d "$around" ] || fail ${statuses.missing} "there is no directory for $1"
  target=$to
fi
stage=$(mktemp -d "$around/.clonebox-XXXXXXXX") || exit
clean() { chmod -R u+rwX "$stage" 2>/dev/null; rm -rf "$stage"; }
trap clean EXIT
trap 'exit 1' HUP INT TERM PIPE
tar -C "$stage" -xpf - --no-same-owner --no-overwrite-dir || exit
[ -d "$stage/proc" ] || fail ${statuses.cut} 'the connection was lost before all of it had come'
item=$stage/top
if [ -d "$target" ] && [ ! -L "$target" ] && [ -d "$item" ]; then
  odd=$(cd "$item" && find . -exec sh -c 'to=$1; shift; for p; do
    if [ -d "$p" ] && [ ! -L "$p" ]; then
      if [ -L "$to/$p" ] || { [ -e "$to/$p" ] && [ ! -d "$to/$p" ]; }; then echo "$p"; fi
    elif [ -d "$to/$p" ] && [ ! -L "$to/$p" ]; then echo "$p"; fi
  done' sh "$target" {} + | head -n 5)
  [ -z "$odd" ] || fail ${statuses.misfit} "directories and files have one name in $target: $odd"
  locked=$(cd "$item" && find . -type d -exec sh -c 'to=$1; shift; for p; do
    [ ! -d "$to/$p" ] || [ -w "$to/$p" ] || echo "$p"
  done' sh "$target" {} + | head -n 5)
  [ -z "$locked" ] || fail 1 "permission denied to write in $target: $locked"
  # What is only filled is not ours: it keeps its mode and time.
  copy() {
    if [ "$kind" != contents ]; then cp -aT "$@" --remove-destination "$item" "$target"
    else find "$item" -mindepth 1 -maxdepth 1 -exec cp -at "$target" "$@" --remove-destination {} +; fi
  }
  copy --link 2>/dev/null || copy || exit
else
  if [ -d "$target" ] && [ ! -L "$target" ]; then fail ${statuses.misfit} "$target is a directory"; fi
  if [ -d "$item" ] && { [ -e "$target" ] || [ -L "$target" ]; }; then
    fail ${statuses.misfit} "$target is there, and no directory"
  fi
  if [ -d "$item" ] && [ ! -w "$item" ]; then
    mode=$(stat -c %a "$item"); chmod u+w "$item"
    mv -fT "$item" "$target" && chmod "$mode" "$target" || exit
  else
    mv -fT "$item" "$target" || exit
  fi
fi
`;

/** Parameters: the source. A link that is named itself is followed. */
export const sendScript = `${start}
from=$(plain "$1"); from=\${from%.}
[ -e "$from" ] || fail ${statuses.missing} "$1 does not exist"
if [ -d "$from" ]; then
  exec tar -C "$from" --format=posix '--transform=flags=rhS;s,^\\.\\(/\\|$\\),top\\1,' -cf - .
fi
[ -f "$from" ] || fail ${statuses.special} "$1 is neither a file nor a directory"
[ ! -L "$from" ] || { from=$(readlink -f "$from"; printf .); from=\${from%??}; }
around=\${from%/*}; [ -n "$around" ] || around=/
exec tar -C "$around" --format=posix '--transform=flags=rhS;s,^\\./.*$,top,' -cf - "./\${from##*/}"
`;

/** Why a guest could not do its part. */
export function guestError(
  { name }: VmRecord,
  { exitCode, stderr }: Pick<RunResult, 'exitCode' | 'stderr'>,
  path: string,
): CloneboxError {
  const said = printable(stderr.trim().split('\n').slice(-5).join('; '), 1000);
  const facts = { path, exitCode };
  if (/no space left|quota exceeded/i.test(stderr)) {
    return new CloneboxError(
      'guest-failed',
      `the disk of ${name} is full: could not write ${path}`,
      {
        hint: `Make room: clonebox ssh ${name}; or give it a larger vm.disk.`,
        facts,
      },
    );
  }
  if (exitCode === statuses.missing)
    return new CloneboxError('not-found', `in ${name}: ${said}`, {
      hint: `Look what there is: clonebox exec ${name} -- ls`,
      facts,
    });
  if (exitCode === statuses.special)
    return new CloneboxError('usage', `in ${name}: ${said}`, {
      hint: 'Pipes, sockets and devices are not copied.',
      facts,
    });
  if (exitCode === statuses.misfit)
    return new CloneboxError('conflict', `in ${name}: ${said}`, {
      hint: 'Move it away, or copy to another place.',
      facts,
    });
  return new CloneboxError(
    'guest-failed',
    `could not copy: ${said || `${name} said ${exitCode}`}`,
    {
      hint: `Try again; clonebox logs ${name} tells what happens there.`,
      facts,
    },
  );
}

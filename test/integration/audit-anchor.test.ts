import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

// With the real logger(1) and a syslog daemon of a few lines, in a mount namespace of its own: /dev and /var/log of this
// host stay what they are.

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const area = mkdtempSync(path.join(tmpdir(), 'cb-anchor-'));
const at = (name: string) => path.join(area, name);
afterAll(() => rmSync(area, { recursive: true }));

/** Writes each datagram of /dev/log as a line. */
const daemon = `
use IO::Socket::UNIX; use Socket;
unlink '/dev/log';
my $in = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => '/dev/log') or die;
open my $log, '>>', '/var/log/syslog' or die; $log->autoflush(1);
print "ready\\n"; close STDOUT;
while (defined $in->recv(my $text, 4096)) { $text =~ s/^<\\d+>//; print $log "$text\\n" }
`;

const script = `
set -e
mount -t tmpfs tmpfs /dev
for one in 'null 3' 'zero 5' 'urandom 9' 'random 8' 'tty 5'; do set -- $one; mknod -m 666 /dev/$1 c 1 $2; done
ln -s /proc/self/fd /dev/fd
mount -t tmpfs tmpfs /var/log
perl ${at('daemon.pl')} >${at('ready')} 2>&1 </dev/null &
daemon=$!
trap 'kill $daemon' EXIT
for _ in $(seq 100); do if grep -q ready ${at('ready')}; then break; fi; sleep 0.05; done
export CLONEBOX_HOME=${at('home')}
cb() { "$NODE" ${main} "$@" 2>&1 && echo 'exit 0' || echo "exit $?"; }
for name in one two three; do cb init ${area}/$name >/dev/null; done
sleep 0.3
echo "A: $(cb audit verify)"
cp -a ${at('home')}/audit ${at('kept')}
sed -i '$d' ${at('home')}/audit/audit.jsonl
last=$(tail -n 1 ${at('home')}/audit/audit.jsonl | sed 's/.*"hash":"//; s/".*//')
printf '%s %s\\n' "$(printf %016d 2)" "$last" >${at('home')}/audit/head
echo "B: $(cb audit verify)"
rm -r ${at('home')}/audit
echo "C: $(cb audit verify)"
`;

it.skipIf(process.getuid?.() !== 0)(
  'a log that was cut, or deleted, is found by the log of the system',
  () => {
    writeFileSync(at('daemon.pl'), daemon);
    writeFileSync(at('script'), script);
    for (const name of ['one', 'two', 'three']) {
      mkdirSync(at(name));
      writeFileSync(path.join(at(name), 'package.json'), '{}');
    }
    const env = { ...process.env, NODE: process.execPath };
    const said = execFileSync('unshare', ['-m', 'sh', at('script')], {
      ...{ env, encoding: 'utf8', timeout: 60_000 },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [whole = '', cut = '', gone = ''] = said.split(/^[ABC]: /m).slice(1);
    expect(whole).toMatch(
      /ok 3 events[\s\S]*anchor: 3 of them are in the log of the system\nexit 0/,
    );
    expect(cut).toMatch(/the log ends before what the log of the system has[\s\S]*exit 10/);
    expect(gone).toMatch(/the log ends before what the log of the system has[\s\S]*exit 10/);
  },
);

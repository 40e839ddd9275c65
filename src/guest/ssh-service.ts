import type { GuestFile } from './archive.ts';

const path = '/usr/local/lib/clonebox/serve-ssh';

/**
 * How a template's machine answers at its ssh port: a process that is there already, and in memory when that is kept,
 * begins an sshd for each connection. Debian's own service begins three sshds for the first one, in the second that a clone
 * has, and a socket with `Accept=yes` costs systemd 0.3 s of it (docs/lab.md). The names and the way to restart, reload and
 * look at it stay Debian's, and so does the rule that who is logged in stays so when the service ends.
 */
export function sshFiles(): GuestFile[] {
  return [
    { path, content: serveSsh, mode: 0o755 },
    { path: '/etc/systemd/system/ssh.socket', content: socketUnit },
    { path: '/etc/systemd/system/ssh.service', content: serviceUnit },
    {
      path: '/etc/systemd/system/multi-user.target.wants/ssh.service',
      link: '/etc/systemd/system/ssh.service',
    },
  ];
}

const socketUnit = `[Unit]
Description=OpenBSD Secure Shell server socket
Before=sockets.target
ConditionPathExists=!/etc/ssh/sshd_not_to_be_run
[Socket]
ListenStream=22
[Install]
WantedBy=sockets.target
`;

const serviceUnit = `[Unit]
Description=OpenBSD Secure Shell server, one for each connection
Documentation=man:sshd(8) man:sshd_config(5)
Requires=ssh.socket
After=network.target auditd.service ssh.socket
ConditionPathExists=!/etc/ssh/sshd_not_to_be_run
[Service]
EnvironmentFile=-/etc/default/ssh
ExecStart=/usr/bin/perl ${path} /usr/sbin/sshd -i $SSHD_OPTS
ExecReload=/usr/sbin/sshd -t
KillMode=process
Restart=on-failure
RuntimeDirectory=sshd
RuntimeDirectoryMode=0755
RuntimeDirectoryPreserve=yes
[Install]
WantedBy=multi-user.target
`;

/** The socket is the first that systemd hands over (sd_listen_fds(3)). */
export const serveSsh = String.raw`#!/usr/bin/perl
# Begins a process for each connection, with that as its input and output. Its arguments: the command. Made by CloneBox.
use strict;
use warnings;

my $most = 256;
my $running = 0;
$SIG{CHLD} = sub {
  local ($!, $?);
  # 1: WNOHANG.
  $running-- while waitpid(-1, 1) > 0;
};
delete @ENV{qw(LISTEN_FDS LISTEN_PID LISTEN_FDNAMES)};
die "no command\n" unless @ARGV;
open my $socket, '+<&=', 3 or die "there is no socket: $!\n";

for (;;) {
  my $connection;
  if (!accept $connection, $socket) {
    next if $!{EINTR} || $!{ECONNABORTED};
    die "accept: $!\n";
  }
  next if $running >= $most;
  my $child = fork;
  if (!defined $child) {
    warn "fork: $!\n";
    next;
  }
  if ($child == 0) {
    $SIG{CHLD} = 'DEFAULT';
    open STDIN, '<&', $connection or die "$!\n";
    open STDOUT, '>&', $connection or die "$!\n";
    { no warnings; exec { $ARGV[0] } @ARGV }
    die "$ARGV[0]: $!\n";
  }
  $running++;
}
`;

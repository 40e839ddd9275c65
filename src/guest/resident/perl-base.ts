/** The largest request that the helper takes, in bytes of its lines. */
export const helperLimit = 4 * 1024 * 1024;

/** The beginning of the helper: its system calls, and files that are written whole. */
export const perlBase = String.raw`#!/usr/bin/perl
# Waits on a serial port of the host's for what makes this machine another one than its template. Made by CloneBox.
use strict;
use warnings;
use Config;
use Fcntl qw(O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_NOFOLLOW);

my %numbers = (
  x86_64 => { clock_settime => 227, clock_gettime => 228, sethostname => 170, mount => 165, umount2 => 166, sync => 162 },
  aarch64 => { clock_settime => 112, clock_gettime => 113, sethostname => 161, mount => 40, umount2 => 39, sync => 81 },
);
# Those of the ABI that perl itself was made for, whatever the kernel could do beside.
my ($abi) = $Config{archname} =~ /^(x86_64|aarch64)-/ or die "no system calls known for $Config{archname}\n";
my $numbers = $numbers{$abi};

my $limit = ${helperLimit};
my $own = '/run/clonebox';
# What is done once the answer is on its way.
my @afterwards;

sub call {
  my ($name, @arguments) = @_;
  die "$name: $!\n" if syscall($numbers->{$name}, @arguments) == -1;
}

sub nanoseconds {
  my ($clock) = @_;
  my $time = pack 'q2', 0, 0;
  # Not by call(), which has copies: this one is written to.
  die "clock_gettime: $!\n" if syscall($numbers->{clock_gettime}, $clock + 0, $time) == -1;
  my ($seconds, $rest) = unpack 'q2', $time;
  return $seconds * 1_000_000_000 + $rest;
}

sub slurp {
  my ($path) = @_;
  sysopen my $file, $path, O_RDONLY or return undef;
  my $text = '';
  while (sysread $file, $text, 65536, length $text) { last if length $text > $limit }
  return $text;
}

sub write_all {
  my ($file, $content) = @_;
  for (my $at = 0; $at < length $content; ) {
    my $count = syswrite $file, $content, length($content) - $at, $at;
    die "$!\n" unless $count;
    $at += $count;
  }
}

sub absolute {
  my ($path) = @_;
  die "not an absolute path\n" unless $path =~ m{\A/[^\0]*\z}s;
}

sub owner {
  my ($path, $mode, $uid, $gid) = @_;
  absolute($path);
  die "$path: no such mode or owner\n" unless $mode =~ /\A[0-7]{1,4}\z/ && "$uid $gid" =~ /\A\d{1,10} \d{1,10}\z/;
  return oct $mode;
}

# Whole or not at all: whoever reads it meanwhile has the old one.
sub put {
  my ($path, $content, $mode, $uid, $gid) = @_;
  my $draft = "$path.clonebox-$$";
  unlink $draft;
  my $done = eval {
    sysopen my $file, $draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600 or die "$!\n";
    write_all($file, $content);
    chown $uid, $gid, $file or die "$!\n";
    chmod $mode, $file or die "$!\n";
    close $file or die "$!\n";
    rename $draft, $path or die "$!\n";
  };
  return if $done;
  my $problem = $@;
  unlink $draft;
  die "$path: $problem";
}

# The new text of a file that may be there, with the mode and owner it has.
sub renew {
  my ($path, $content, $mode) = @_;
  my @facts = stat $path;
  put($path, $content, @facts ? ($facts[2] & 07777, @facts[4, 5]) : ($mode, 0, 0));
}

sub make_directories {
  my ($path) = @_;
  my $made = '';
  for my $name (grep { length } split m{/}, $path) {
    $made .= "/$name";
    next if -d $made;
    mkdir $made, 0755 or die "$made: $!\n";
  }
}
`;

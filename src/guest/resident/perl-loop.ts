/** The end of the helper: it reads requests and answers them, for as long as the guest runs. */
export const perlLoop = String.raw`# Each with the number of its arguments.
my %verbs = (
  random => [1, \&random],
  clock => [1, \&set_clock],
  'machine-id' => [1, \&machine_id],
  'boot-id' => [1, \&boot_id],
  hostname => [1, \&hostname],
  file => [5, \&file],
  directory => [4, \&directory],
  link => [2, \&make_link],
  remove => [1, \&remove],
  mount => [4, \&mount_share],
  journal => [0, \&journal],
  restart => [1, \&restart],
  sync => [0, \&sync_all],
  report => [0, \&report],
);

sub hex_of { my ($text) = @_; utf8::encode($text) if utf8::is_utf8($text); return unpack 'H*', $text }

# Does what a request says and returns the words of its answer.
sub act {
  my ($problem, @lines) = @_;
  my ($verb, @pairs, $spent) = ('request');
  @afterwards = ();
  $spent = '';
  my $done = eval {
    die $problem if $problem;
    for my $line (@lines) {
      my ($name, @arguments) = split / /, $line, -1;
      my $known = $verbs{$name // ''} or die "it has a verb that is not known\n";
      $verb = $name;
      die "its arguments are not hexadecimal\n" if grep { !/\A(?:[0-9a-f]{2})*\z/ } @arguments;
      my ($count, $code) = @$known;
      die "it has not that many arguments\n" if @arguments != $count;
      my $since = nanoseconds(1);
      push @pairs, $code->(map { pack 'H*', $_ } @arguments);
      $spent .= "$verb " . int((nanoseconds(1) - $since) / 1000) . "\n";
    }
    1;
  };
  my $answer = 'ok';
  if (!$done) {
    my $reason = $@;
    chomp $reason;
    @afterwards = ();
    return "failed $verb " . hex_of(substr $reason, 0, 500);
  }
  while (my ($name, $value) = splice @pairs, 0, 2) { $answer .= " $name=" . hex_of($value) }
  $answer .= ' spent=' . hex_of($spent) if $spent ne '';
  return $answer;
}

# What it needs in the second that counts is in memory from now on: pages, and what perl puts off until it is used.
sub warm_up {
  own_directory();
  my $place = "$own/helper-$$";
  my @trial = (
    [directory => $place, '700', 0, 0],
    [file => "$place/file", '600', 0, 0, 'x'],
    [link => "$place/link", 'file'],
    map({ [remove => $_] } "$place/link", "$place/file", $place),
    ['report'],
  );
  act('', map { my ($verb, @rest) = @$_; join ' ', $verb, map { hex_of($_) } @rest } @trial);
  # Worth no bits: nothing is claimed of it.
  add_randomness("\0" x 64, 0);
  slurp($_) for '/proc/self/mounts', '/etc/hosts', '/sys/fs/cgroup/system.slice/systemd-journald.service/cgroup.procs';
}

my ($from, $to) = @ARGV;
die "usage: helper PORT | helper FROM TO\n" unless defined $from;
umask 022;
$SIG{PIPE} = 'IGNORE';
eval { warm_up(); 1 } or warn "warming up: $@";

# The port comes with its driver, which may be loaded after this was started.
my $input;
until (sysopen $input, $from, defined $to ? O_RDONLY : O_RDWR) { select undef, undef, undef, 0.1 }
my $output;
if (!defined $to) { $output = $input }
else { sysopen $output, $to, O_WRONLY or die "$to: $!\n" }

my ($pending, @lines, $size, $problem);
sub forget { ($size, $problem) = (0, ''); @lines = () }

sub take {
  my ($line) = @_;
  return if $line eq '';
  return forget() if $line eq 'begin';
  if ($line =~ /\Ago ([0-9a-f]{1,32})\z/) {
    my $answer = "$1 " . act($problem, @lines) . "\n";
    forget();
    write_all($output, $answer);
    my @now = @afterwards;
    @afterwards = ();
    for my $rest (@now) { eval { $rest->(); 1 } or warn $@ }
    return;
  }
  $size += 1 + length $line;
  if ($size > $limit) { $problem = "it is too large\n"; @lines = () }
  push @lines, $line unless $problem;
}

# A virtio port can be written to as soon as a host is there; to look for one time and again would keep a processor busy.
sub await_host {
  return select undef, undef, undef, 0.05 if defined $to;
  my $there = '';
  vec($there, fileno $input, 1) = 1;
  select undef, $there, undef, 60;
}

forget();
$pending = '';
for (;;) {
  my $count = sysread $input, my $chunk, 65536;
  die "reading: $!\n" unless defined $count;
  if ($count == 0) {
    # No host is there, and who began a request has gone.
    forget();
    $pending = '';
    await_host();
    next;
  }
  $pending .= $chunk;
  while ((my $end = index $pending, "\n") >= 0) {
    my $line = substr $pending, 0, $end + 1, '';
    chop $line;
    take($line);
  }
  if (length $pending > $limit) { $pending = ''; @lines = (); $problem = "it is too large\n" }
}
`;

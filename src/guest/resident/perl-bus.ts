/**
 * The helper's verb `restart`. It speaks to systemd itself, over the socket that systemd has for root alone, in the D-Bus
 * protocol (dbus.freedesktop.org/doc/dbus-specification.html; org.freedesktop.systemd1(5) has the method and the signal).
 * `systemctl` does the same as one process more, whose code an emulated guest has to translate first (docs/lab.md).
 */
export const perlBus = String.raw`my $manager = '/run/systemd/private';

# Each is restarted, and its job has ended well.
sub restart {
  my ($units) = @_;
  my @units = split / /, $units;
  die "not names of units\n" if !@units || grep { !/\A[A-Za-z0-9_][A-Za-z0-9:_.\@\\-]*\z/ } @units;
  my $bus = open_bus();
  write_all($bus, join '', map { bus_call($_ + 1, 'RestartUnit', $units[$_], 'replace') } 0 .. $#units);
  my (@jobs, %results);
  # The end of a job may be told before the answer that names the job, and others' jobs end meanwhile.
  until (@units == grep { defined && defined $results{$_} } @jobs) {
    my $message = bus_message($bus);
    my $index = ($message->{answers} // 0) - 1;
    if ($message->{member} eq 'JobRemoved') {
      my ($job, undef, $result) = bus_texts($message->{body}, 4, 3);
      $results{$job} = $result;
    }
    next if $index < 0 || $index > $#units;
    my ($text) = bus_texts($message->{body}, 0, 1);
    die "$units[$index]: $text\n" if $message->{failed};
    $jobs[$index] = $text;
  }
  for (0 .. $#units) {
    my $result = $results{$jobs[$_]};
    die "$units[$_] was not started ($result): journalctl -u $units[$_]\n" if $result ne 'done';
  }
  return;
}

sub open_bus {
  # AF_UNIX and SOCK_STREAM.
  socket my $bus, 1, 1, 0 or die "socket: $!\n";
  connect $bus, pack 'S Z108', 1, $manager or die "$manager: $!\n";
  # All at once, and nothing more before the answer: what systemd reads together with BEGIN lies until more comes.
  write_all($bus, "\0AUTH EXTERNAL " . unpack('H*', $>) . "\r\nBEGIN\r\n");
  my $said = '';
  while ($said !~ /\n/) { sysread $bus, $said, 1, length $said or die "systemd hung up\n" }
  die "systemd does not know root: $said\n" unless $said =~ /\AOK /;
  return $bus;
}

sub aligned { my ($bytes, $to) = @_; return $bytes . "\0" x (-length($bytes) % $to) }

# The call of a method that takes texts.
sub bus_call {
  my ($serial, $member, @texts) = @_;
  my ($body, $fields) = ('', '');
  $body = aligned($body, 4) . pack 'V/a* x', $_ for @texts;
  my $name = 'org.freedesktop.systemd1';
  my @fields = ([1, 'o', '/org/freedesktop/systemd1'], [2, 's', "$name.Manager"], [3, 's', $member], [6, 's', $name]);
  for (@fields) {
    my ($code, $type, $text) = @$_;
    $fields = aligned($fields, 8) . pack 'C2 a x V/a* x', $code, 1, $type, $text;
  }
  $fields = aligned($fields, 8) . pack 'C2 a x C/a* x', 8, 1, 'g', 's' x @texts;
  return aligned(pack('a C3 V3', 'l', 1, 0, 1, length $body, $serial, length $fields) . $fields, 8) . $body;
}

# The next message: which of ours it answers, and whether with an error; else what its signal is called.
sub bus_message {
  my ($bus) = @_;
  my $head = bus_bytes($bus, 16);
  my ($order, $type, $body, $fields) = unpack 'a C x2 V x4 V', $head;
  die "systemd makes no sense\n" if $order ne 'l' || $body + $fields > $limit;
  my $rest = bus_bytes($bus, $fields + -$fields % 8 + $body);
  my %of;
  for (my $at = 0; $at < $fields; $at += -$at % 8) {
    my ($code, $kind) = unpack "x$at C x a", $rest;
    $at += 4;
    my $form = $kind eq 'u' ? 'V' : $kind eq 'g' ? 'C/a' : 'V/a';
    ($of{$code}) = unpack "x$at $form", $rest;
    $at += $kind eq 'u' ? 4 : length($of{$code}) + ($kind eq 'g' ? 2 : 5);
  }
  return {
    answers => $type == 2 || $type == 3 ? $of{5} : undef,
    failed => $type == 3,
    member => $type == 4 ? $of{3} // '' : '',
    body => substr($rest, length($rest) - $body),
  };
}

sub bus_bytes {
  my ($bus, $count) = @_;
  my $bytes = '';
  while (length $bytes < $count) { sysread $bus, $bytes, $count - length $bytes, length $bytes or die "systemd hung up\n" }
  return $bytes;
}

# So many texts of a body, from where the first begins.
sub bus_texts {
  my ($body, $at, $count) = @_;
  return map {
    my $text = $at < length $body ? unpack "x$at V/a", $body : '';
    $at += 5 + length $text;
    $at += -$at % 4;
    $text;
  } 1 .. $count;
}
`;

/** What the helper can do, a function for each verb. None of them makes a process: that costs an emulated guest most. */
export const perlVerbs = String.raw`sub add_randomness {
  my ($bytes, $bits) = @_;
  sysopen my $device, '/dev/urandom', O_WRONLY or die "$!\n";
  syswrite $device, $bytes or die "$!\n";
  # RNDADDENTROPY takes a struct rand_pool_info, RNDRESEEDCRNG nothing.
  my $pool = pack 'i2 a*', $bits, length $bytes, $bytes;
  ioctl $device, 0x40085203, $pool or die "RNDADDENTROPY: $!\n";
  return unless $bits;
  ioctl $device, 0x5207, 0 or die "RNDRESEEDCRNG: $!\n";
}

sub uuid { my $uuid = slurp('/proc/sys/kernel/random/uuid') // ''; chomp $uuid; return $uuid }

sub random {
  my ($bytes) = @_;
  die "too few bytes\n" if length $bytes < 32;
  add_randomness($bytes, 8 * length $bytes);
  return (random => uuid());
}

sub set_clock {
  my ($time) = @_;
  my ($seconds, $rest) = $time =~ /\A(\d{1,10})(\d{9})\z/ or die "not nanoseconds\n";
  call('clock_settime', 0, pack 'q2', $seconds, $rest);
  return;
}

sub hostname {
  my ($name) = @_;
  die "not a name\n" unless $name =~ /\A[A-Za-z0-9](?:[A-Za-z0-9.-]{0,62})\z/;
  call('sethostname', "$name", length $name);
  renew('/etc/hostname', "$name\n", 0644);
  # One line is ours; what provisioning has added stays.
  my $hosts = slurp('/etc/hosts') // "127.0.0.1 localhost\n";
  $hosts .= "\n" if $hosts =~ /[^\n]\z/;
  my $line = "127.0.1.1 $name\n";
  $hosts =~ s/^127\.0\.1\.1[ \t][^\n]*\n/$line/m
    or $hosts =~ s/^(127\.0\.0\.1[ \t][^\n]*\n)/$1$line/m
    or $hosts .= $line;
  renew('/etc/hosts', $hosts, 0644);
  return;
}

sub machine_id {
  my ($id) = @_;
  die "not a machine id\n" unless $id =~ /\A[0-9a-f]{32}\z/;
  put('/etc/machine-id', "$id\n", 0444, 0, 0);
  # D-Bus has a link there, or its own file.
  my $bus = '/var/lib/dbus/machine-id';
  put($bus, "$id\n", 0644, 0, 0) if -f $bus && !-l $bus;
  return;
}

sub own_directory {
  return if -d $own;
  mkdir $own, 0700 or die "$own: $!\n";
}

sub boot_id {
  my ($id) = @_;
  die "not a boot id\n" unless $id =~ /\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/;
  own_directory();
  my ($source, $target) = ("$own/boot_id", '/proc/sys/kernel/random/boot_id');
  put($source, "$id\n", 0444, 0, 0);
  # One that was put there before. 2: MNT_DETACH, 4096: MS_BIND.
  1 while syscall($numbers->{umount2}, $target, 2) == 0;
  call('mount', $source, $target, 0, 4096, 0);
  return;
}

sub file {
  my ($path, $mode, $uid, $gid, $content) = @_;
  put($path, $content, owner($path, $mode, $uid, $gid), $uid, $gid);
  return;
}

# One that is there is left as it is.
sub directory {
  my ($path, $mode, $uid, $gid) = @_;
  my $number = owner($path, $mode, $uid, $gid);
  return if -d $path;
  mkdir $path, 0700 or die "$path: $!\n";
  chown $uid, $gid, $path or die "$path: $!\n";
  chmod $number, $path or die "$path: $!\n";
  return;
}

sub make_link {
  my ($path, $target) = @_;
  absolute($path);
  my $draft = "$path.clonebox-$$";
  unlink $draft;
  symlink $target, $draft or die "$path: $!\n";
  return if rename $draft, $path;
  my $problem = $!;
  unlink $draft;
  die "$path: $problem\n";
}

sub remove {
  my ($path) = @_;
  absolute($path);
  return unless lstat $path;
  (-d _ ? rmdir $path : unlink $path) or die "$path: $!\n";
  return;
}

sub mount_share {
  my ($tag, $path, $options, $access) = @_;
  absolute($path);
  die "neither rw nor ro\n" unless $access =~ /\Ar[wo]\z/;
  for my $line (split /\n/, slurp('/proc/self/mounts') // '') {
    my ($source, $place) = split / /, $line;
    $place =~ s/\\([0-7]{3})/chr oct $1/ge;
    return if $source eq $tag && $place eq $path;
  }
  make_directories($path);
  my $type = '9p';
  eval { call('mount', $tag, $path, $type, $access eq 'ro' ? 1 : 0, $options); 1 } or die "$path: $@";
  return;
}

# journald knows the machine and the boot as they were when it began, so it begins again. A signal is enough: systemd
# has its sockets and the streams of all units, and starts it anew by itself. What other machines have written here is
# the template's, and goes, once the old one has ended: it would write its files anew, with the template's id in them.
sub journal {
  my $group = 'system.slice/systemd-journald.service/cgroup.procs';
  my ($pids) = grep { defined } map { slurp("$_/$group") } '/sys/fs/cgroup', '/sys/fs/cgroup/systemd';
  my ($pid) = ($pids // '') =~ /^(\d+)$/m or die "journald does not run\n";
  push @afterwards, sub {
    my ($id) = (slurp('/etc/machine-id') // '') =~ /\A([0-9a-f]{32})$/m or return;
    kill 'TERM', $pid;
    for (1 .. 1000) {
      last unless kill 0, $pid;
      select undef, undef, undef, 0.02;
    }
    for my $all ('/run/log/journal', '/var/log/journal') {
      for my $other (grep { /\A[0-9a-f]{32}\z/ && $_ ne $id } names($all)) {
        unlink map { "$all/$other/$_" } grep { /\.journal~?\z/ } names("$all/$other");
        rmdir "$all/$other";
      }
    }
  };
  return;
}

sub sync_all {
  syscall $numbers->{sync};
  return;
}

sub names {
  my ($path) = @_;
  opendir my $directory, $path or return;
  return readdir $directory;
}

sub report {
  my %files = (
    'machine-id' => '/etc/machine-id',
    'boot-id' => '/proc/sys/kernel/random/boot_id',
    hostname => '/proc/sys/kernel/hostname',
  );
  return (clock => nanoseconds(0), random => uuid(), map {
    my $text = slurp($files{$_}) // '';
    chomp $text;
    ($_ => $text);
  } sort keys %files);
}
`;

#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
# systemctl, for a chroot in which systemd does not run: starts, stops, restarts and reloads services as their units say, so
# that the scripts of Debian packages can use it. It knows what the unit of reflow uses: User, EnvironmentFile, ExecStart,
# ExecReload, Type=notify, StateDirectory, LogsDirectory, RuntimeDirectory, LimitNOFILE, UMask, TimeoutStopSec. All calls are
# logged in /run/services/log, what a service notifies in /run/services/UNIT.notify, its output in UNIT.out.
use strict;
use warnings;
use POSIX ();
use Socket;

my $state = "/run/services";
mkdir $state;
open(my $log, ">>", "$state/log") or die "$state/log: $!";
print $log "@ARGV\n";
close $log;

# What only makes links, the real one does: inside.sh has put it there.
exec("/usr/bin/systemctl.systemd", @ARGV) if grep { /^(?:--root=.*|preset|enable|disable|mask|unmask)$/ } @ARGV;

sub content {
    my ($path) = @_;
    open(my $file, "<", $path) or return "";
    local $/;
    return scalar <$file>;
}

sub put {
    my ($path, $text) = @_;
    open(my $file, ">", $path) or die "$path: $!";
    print $file $text;
    close $file;
}

# The settings of a unit: the last value of each name.
sub unit_read {
    my ($unit) = @_;
    for my $folder ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system") {
        my $text = content("$folder/$unit") or next;
        $text =~ s/\\\n/ /g;
        my %settings;
        for (split /\n/, $text) {
            $settings{$1} = $2 if !/^[#;\[]/ && /^([A-Za-z]+)=(.*)$/;
        }
        return \%settings;
    }
    print STDERR "Unit $unit not found.\n";
    exit 5;
}

# NAME=VALUE or NAME="VALUE" on each line, also with \ before a line end.
sub environment_read {
    my ($path) = @_;
    my $text = content($path);
    my %variables;
    $text =~ s/\\\n//g;
    for (split /\n/, $text) {
        next if /^\s*[#;]/ || !/^\s*(\w+)=(.*?)\s*$/;
        my ($name, $value) = ($1, $2);
        $value =~ s/^"(.*)"$/$1/;
        $variables{$name} = $value;
    }
    return \%variables;
}

# A word that is a variable becomes the words of its value. ${NAME} stands for its value in any word.
sub command_words {
    my ($command, $variables) = @_;
    my @words;
    while ($command =~ /"([^"]*)"|(\S+)/g) {
        my ($quoted, $bare) = ($1, $2);
        if (defined $bare && $bare =~ /^\$(\w+)$/) {
            push @words, split(" ", $variables->{$1} // "");
        } else {
            my $word = $quoted // $bare;
            $word =~ s/\$\{(\w+)\}/$variables->{$1} || ""/ge;
            push @words, $word;
        }
    }
    return @words;
}

sub pid_of {
    my ($unit) = @_;
    my $pid = content("$state/$unit.pid");
    return $pid && kill(0, $pid) ? $pid : 0;
}

sub folder_make {
    my ($path, $mode, $user) = @_;
    my (undef, undef, $uid, $gid) = getpwnam($user);
    mkdir $path;
    chmod oct($mode // "0755"), $path;
    chown $uid, $gid, $path;
}

sub become {
    my ($settings, $variables, $notify) = @_;
    my (undef, undef, $uid, $gid) = getpwnam($settings->{User}) or die "no user $settings->{User}";
    my $files = $settings->{LimitNOFILE};
    POSIX::setsid();
    umask oct($settings->{UMask} // "0022");
    $) = "$gid $gid";
    POSIX::setgid($gid);
    POSIX::setuid($uid);
    %ENV = (PATH => "/usr/bin:/bin", NOTIFY_SOCKET => $notify, %$variables);
    $ENV{WATCHDOG_USEC} = $1 * 1000000 if ($settings->{WatchdogSec} // "") =~ /^(\d+)$/;
    chdir "/";
    exec command_words($settings->{ExecStart}, $variables) or die "exec: $!";
}

# Collects the service and what it notifies; ends after it.
sub supervise {
    my ($unit, $settings, $manager, $pid) = @_;
    my $running = 1;
    local $SIG{CHLD} = sub { };
    while ($running) {
        my $ready = "";
        vec($ready, fileno($manager), 1) = 1;
        if (select($ready, undef, undef, 0.05) > 0 && defined recv($manager, my $message, 4096, 0)) {
            open(my $file, ">>", "$state/$unit.notify");
            print $file "$message\n";
            close $file;
        }
        if (waitpid($pid, POSIX::WNOHANG()) == $pid) {
            put("$state/$unit.status", $?);
            unlink "$state/$unit.pid";
            $running = 0;
        }
    }
}

sub start {
    my ($unit) = @_;
    return 0 if pid_of($unit);
    my $settings = unit_read($unit);
    my $user = $settings->{User};
    folder_make("/var/lib/$settings->{StateDirectory}", $settings->{StateDirectoryMode}, $user);
    folder_make("/var/log/$settings->{LogsDirectory}", $settings->{LogsDirectoryMode}, $user);
    folder_make("/run/$settings->{RuntimeDirectory}", $settings->{RuntimeDirectoryMode}, $user);
    my $notify = "$state/$unit.socket";
    unlink $notify, "$state/$unit.notify", "$state/$unit.status";
    socket(my $manager, PF_UNIX, SOCK_DGRAM, 0) or die $!;
    bind($manager, sockaddr_un($notify)) or die "$notify: $!";
    chmod 0777, $notify;
    my $variables = environment_read($settings->{EnvironmentFile});
    if (!fork) {
        POSIX::setsid();
        open(STDIN, "<", "/dev/null");
        open(STDOUT, ">>", "$state/$unit.out");
        open(STDERR, ">&", \*STDOUT);
        my $pid = fork;
        become($settings, $variables, $notify) if !$pid;
        put("$state/$unit.pid", $pid);
        supervise($unit, $settings, $manager, $pid);
        POSIX::_exit(0);
    }
    for (1 .. 600) {
        return 0 if content("$state/$unit.notify") =~ /^READY=1$/m;
        last if -e "$state/$unit.status";
        select(undef, undef, undef, 0.1);
    }
    print STDERR "$unit did not become ready: ", content("$state/$unit.out");
    return 1;
}

sub stop {
    my ($unit) = @_;
    my $settings = unit_read($unit);
    my $pid = pid_of($unit) or return 0;
    kill "TERM", $pid;
    for (1 .. 10 * $settings->{TimeoutStopSec}) {
        last if -e "$state/$unit.status";
        select(undef, undef, undef, 0.1);
    }
    if (!-e "$state/$unit.status") {
        print STDERR "$unit has to be killed.\n";
        kill "KILL", $pid;
        return 1;
    }
    system("rm", "-rf", "/run/$settings->{RuntimeDirectory}");
    return 0;
}

sub reload {
    my ($unit) = @_;
    my $pid = pid_of($unit) or return 1;
    return system(command_words(unit_read($unit)->{ExecReload}, { MAINPID => $pid })) == 0 ? 0 : 1;
}

my ($verb, @units) = grep { !/^-/ } @ARGV;
$verb //= "";
@units = map { /\./ ? $_ : "$_.service" } @units;
my $failed = 0;
for my $unit (@units) {
    if ($verb eq "start") { $failed |= start($unit) }
    elsif ($verb eq "stop") { $failed |= stop($unit) }
    elsif ($verb eq "restart") { $failed |= stop($unit) || start($unit) }
    elsif ($verb eq "try-restart") { $failed |= pid_of($unit) ? stop($unit) || start($unit) : 0 }
    elsif ($verb eq "reload") { $failed |= reload($unit) }
    elsif ($verb eq "is-active") { $failed |= pid_of($unit) ? 0 : 3 }
    elsif ($verb eq "is-enabled") {
        my $enabled = -l "/etc/systemd/system/multi-user.target.wants/$unit";
        print $enabled ? "enabled\n" : "disabled\n";
        $failed |= $enabled ? 0 : 1;
    }
}
exit $failed;

#!/usr/bin/perl
# The example web server: answers with its version, pod and node. Slow, failing or late by environment.
#   PORT=8080  WEB_VERSION  POD_NAME (default: hostname)  NODE_NAME
#   DELAY_MS: wait before each answer         FAIL_PERCENT: answer 500 that often
#   READY_AFTER_SECONDS: /ready is 503 before  DRAIN_SECONDS=2: go on answering that long after SIGTERM
use strict;
use warnings;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h);

my %env = (PORT => 8080, WEB_VERSION => 'unknown', DELAY_MS => 0, FAIL_PERCENT => 0, READY_AFTER_SECONDS => 0, DRAIN_SECONDS => 2, %ENV);
my $pod = $env{POD_NAME} || $env{HOSTNAME} || 'unknown';
my $node = $env{NODE_NAME} || 'unknown';
my $started = time;
my $stop_at;

$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { $stop_at //= time + $env{DRAIN_SECONDS} };
$SIG{CHLD} = sub { local ($!, $?); 1 while waitpid(-1, WNOHANG) > 0 };

my $server = IO::Socket::INET->new(LocalPort => $env{PORT}, Listen => 512, ReuseAddr => 1)
  or die "Cannot listen on $env{PORT}: $!\n";
$| = 1;
print "web $env{WEB_VERSION} on port $env{PORT}, pod $pod, node $node\n";

sub answer {
  my ($path) = @_;
  return (200, "ok\n") if $path eq '/healthz';
  if ($path eq '/ready') {
    return time - $started < $env{READY_AFTER_SECONDS} ? (503, "not ready yet\n") : (200, "ready\n");
  }
  select(undef, undef, undef, $env{DELAY_MS} / 1000) if $env{DELAY_MS} > 0;
  return (500, "failing on purpose\n") if $path eq '/fail' || rand(100) < $env{FAIL_PERCENT};
  return (200, "version=$env{WEB_VERSION} pod=$pod node=$node\n");
}

my %reason = (200 => 'OK', 400 => 'Bad Request', 500 => 'Internal Server Error', 503 => 'Service Unavailable');

sub serve {
  my ($client) = @_;
  alarm 60;
  my $request = <$client> // return;
  while (defined(my $header = <$client>)) { last if $header =~ /^\r?\n$/ }
  my ($status, $body) = $request =~ m{^[A-Z]+ (\S+?)(?:\?\S*)? HTTP/1} ? answer($1) : (400, "not HTTP\n");
  printf $client "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
    $status, $reason{$status}, length $body, $body;
  shutdown $client, 1;
}

while (!defined $stop_at || time < $stop_at) {
  my $readable = '';
  vec($readable, fileno $server, 1) = 1;
  next unless select($readable, undef, undef, 1) > 0;
  my $client = $server->accept or next;
  my $child = fork // do { close $client; next };
  if ($child == 0) { srand; $SIG{TERM} = 'IGNORE'; close $server; serve($client); exit 0 }
  close $client;
}
close $server;
# Answers that are on their way get to finish.
1 while wait() > 0 || $!{EINTR};

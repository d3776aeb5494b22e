// A listening socket whose connections have a small send buffer in the kernel, as a camera's have.
//
// Node cannot set SO_SNDBUF on TCP, and the kernel would let a connection's buffer grow to megabytes, which no camera
// has. Perl, part of every Debian, opens the socket with the option set (connections inherit it, socket(7)) and hands
// it over through Node's own channel to child processes (SCM_RIGHTS, unix(7)).
import { spawn } from 'node:child_process'
import type { Server } from 'node:net'

const SENDMSG: Record<string, number> = { x64: 46, arm64: 211 }

const SCRIPT = `
use strict; use Socket;
my ($host, $port, $bytes, $sendmsg) = @ARGV;
socket(my $s, AF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die "SO_REUSEADDR: $!";
setsockopt($s, SOL_SOCKET, SO_SNDBUF, pack('i', $bytes)) or die "SO_SNDBUF: $!";
bind($s, sockaddr_in($port, inet_aton($host))) or die "bind: $!";
listen($s, 511) or die "listen: $!";
my $text = '{"cmd":"NODE_HANDLE","type":"net.Server","msg":"listener"}' . "\\n";
my $iov = pack('P Q', $text, length $text);
my $control = pack('Q i i i x4', 20, SOL_SOCKET, 1, fileno $s);
my $message = pack('Q L x4 P Q P Q i x4', 0, 0, $iov, 1, $control, length $control, 0);
syscall($sendmsg + 0, $ENV{NODE_CHANNEL_FD} + 0, $message, 0) > 0 or die "sendmsg: $!";
open(my $channel, '<&=', $ENV{NODE_CHANNEL_FD} + 0) or die "channel: $!";
<$channel>; # the acknowledgement: until then the socket is ours to keep open
`

/**
 * A server that listens already.
 *
 * @param bufferBytes what the kernel may hold of a connection's unsent and unacknowledged bytes
 * @returns undefined where the machine cannot do it: another architecture, IPv6, no perl
 * @throws Error where the port is taken or the address is not ours
 */
export function listenWithSmallBuffer(host: string, port: number, bufferBytes: number): Promise<Server | undefined> {
  const sendmsg = SENDMSG[process.arch]
  if (sendmsg === undefined || process.platform !== 'linux' || host.includes(':')) return Promise.resolve(undefined)
  return new Promise((resolve, reject) => {
    // The kernel doubles what it is given, to make room for its own book-keeping (socket(7)).
    const givenBytes = Math.round(bufferBytes / 2)
    const child = spawn('perl', ['-e', SCRIPT, host, String(port), String(givenBytes), String(sendmsg)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let complaint = ''
    child.stderr!.on('data', (text) => {
      complaint += text
    })
    child.on('message', (_, handle) => {
      resolve(handle as Server)
      if (child.connected) child.disconnect()
    })
    child.on('error', () => resolve(undefined)) // no perl
    child.on('close', () => {
      if (complaint.startsWith('bind:')) reject(new Error(`listen on ${host}:${port}: ${complaint.trim()}`))
      else resolve(undefined) // no effect where the handle has come
    })
  })
}

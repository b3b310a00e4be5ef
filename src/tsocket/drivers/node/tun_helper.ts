/**
 * The two things that Node cannot do with a device: `ioctl`, and waiting for it without a thread. A small program in Perl
 * does both on the same open device, which it inherits; packets never pass through it.
 *
 * It takes a line for each task and answers with a line: `i SOCKET REQUEST HEX` calls `ioctl` (socket 0 is the device,
 * other numbers are families) and answers `ok HEX` or `no ERRNO`; `w` waits and answers `r`. It ends with its input, and not by
 * signals: those that a whole group gets (Ctrl-C, `timeout`, a service that is stopped) are for its caller to answer.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { IoctlCaller } from "../../tun/configure.ts";
import { errnoName, tunError } from "../../tun/tun_errors.ts";

const PROGRAM = `
use strict;
# what ends a group of processes is the caller's to answer, who may have packets to send yet
$SIG{$_} = "IGNORE" for qw(HUP INT QUIT TERM);
open(my $device, "+<&=", 3) or die "no device: $!";
# F_SETFL, O_RDWR | O_NONBLOCK
fcntl($device, 4, 04002) or die "fcntl: $!";
my %sockets = (0 => $device);
my $input = "";
sub say_line { syswrite(STDOUT, "$_[0]\\n") or exit; }
sub more { my $n = sysread(STDIN, $input, 4096, length $input); exit unless $n; }
for (;;) {
  more() until $input =~ s/^(.*)\\n//;
  my $task = $1;
  if ($task eq "w") {
    my $ready = "";
    vec($ready, 3, 1) = 1;
    vec($ready, 0, 1) = 1;
    select($ready, undef, undef, undef);
    more() if vec($ready, 0, 1);
    say_line("r");
  } elsif ($task =~ /^i (\\d+) (\\d+) (\\w+)$/) {
    my ($family, $request, $argument) = ($1, $2, pack("H*", $3));
    if (!$sockets{$family}) {
      # 2 is SOCK_DGRAM
      socket(my $socket, $family, 2, 0) or say_line("no " . ($! + 0)), next;
      $sockets{$family} = $socket;
    }
    if (ioctl($sockets{$family}, $request, $argument)) { say_line("ok " . unpack("H*", $argument)); }
    else { say_line("no " . ($! + 0)); }
  }
}
`;

const FAMILY = { device: 0, inet: 2, inet6: 10 } as const;

/** The program, at work on one device. */
export class TunHelper implements IoctlCaller {
  readonly #child: ChildProcess;
  readonly #waiting: ((line: string | undefined) => void)[] = [];
  readonly #ended: Promise<void>;
  #input = "";
  #complaint = "";
  #failure: unknown;
  #hasEnded = false;

  /** Starts it; it inherits the descriptor. */
  constructor(descriptor: number) {
    this.#child = spawn("perl", ["-e", PROGRAM], { stdio: ["pipe", "pipe", "pipe", descriptor] });
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        for (const answer of this.#waiting.splice(0)) answer(undefined);
        resolve();
      };
      this.#child.once("error", (error) => {
        this.#failure = error;
        end();
      });
      this.#child.once("close", end);
    });
    this.#child.stdin!.on("error", () => {});
    this.#child.stdout!.on("data", (chunk: Uint8Array) => this.#heard(chunk));
    this.#child.stderr!.on("data", (chunk: Uint8Array) => this.#complaint += String(chunk).slice(0, 200));
  }

  /** Calls `ioctl`. */
  async ioctl(on: "device" | "inet" | "inet6", request: number, argument: Uint8Array): Promise<Uint8Array> {
    const hex = Array.from(argument, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const answer = await this.#ask(`i ${FAMILY[on]} ${request} ${hex}\n`);
    if (answer === undefined) throw this.#endedError();
    const [word, value = ""] = answer.split(" ");
    if (word !== "ok") throw tunError("setting up the interface", errnoName(Number(value)));
    return Uint8Array.from(value.match(/../g) ?? [], (byte) => parseInt(byte, 16));
  }

  /** Reads a file. */
  readText(path: string): string {
    return readFileSync(path, "latin1");
  }

  /** Resolves when the device can be read, or the program has ended: whether it can be. */
  async ready(): Promise<boolean> {
    return await this.#ask("w\n") !== undefined;
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#child.stdin?.destroy();
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #ask(line: string): Promise<string | undefined> {
    if (this.#hasEnded) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin!.write(line);
    });
  }

  #heard(chunk: Uint8Array): void {
    this.#input += String(chunk);
    const lines = this.#input.split("\n");
    this.#input = lines.pop()!;
    for (const line of lines) this.#waiting.shift()?.(line);
  }

  #endedError(): Error {
    const code = (this.#failure as { code?: unknown } | undefined)?.code;
    if (code === "ENOENT") return tunError("perl, which Node needs to open interfaces", "ENOENT", this.#failure);
    return tunError(`the helper in Perl ended${this.#complaint === "" ? "" : `: ${this.#complaint.trim()}`}`, "EIO");
  }
}

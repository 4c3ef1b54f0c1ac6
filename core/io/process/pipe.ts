/**
 * Child processes, one or several in a row. The streams of a child go through a read buffer and a write queue like those of a
 * socket; a child belongs to the coroutine that has started it and is killed when that ends, if it has not ended before.
 */
import { ClosedWithOwner } from "../../coroutine/owned_resource.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import type { AliveListener } from "../../coroutine/population.ts";
import { describe } from "../../base/describe.ts";
import { ClosedError } from "../../base/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import { call } from "../../operations/call.ts";
import { all } from "../../coroutine/all.ts";
import { withTimeout } from "../../operations/with_timeout.ts";
import type { Scheduler } from "../../coroutine/scheduler.ts";
import type { Timeout } from "../../base/duration.ts";
import { denoWith } from "../../host/capability.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { HostCall } from "../wait/host_call.ts";
import { ReadBuffer } from "../stream/read_buffer.ts";
import { Items } from "../items.ts";
import {
  type BoundedReadOptions,
  checkSize,
  directionSeconds,
  type DirectionTimeouts,
  type IoLimit,
  maxOf,
  secondsOf,
  signalOf,
} from "../wait/io_options.ts";
import { WriteQueue } from "../stream/write_queue.ts";
import { Drain, type Readable, ReadAll, ReadExactly, ReadSome } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";
import { StreamSink, StreamSource } from "../stream/web_streams.ts";
import { SendAll, ShutdownWrite } from "../stream/write.ts";

/** What becomes of a stream of a child: we have the other end, it shares ours, or there is none. */
export type PipeStream = "piped" | "inherit" | "null";

/** How to start a process. All streams are piped unless something else is said. */
export interface PipeOptions {
  /** Arguments. */
  readonly args?: readonly string[];
  /** The directory it runs in. */
  readonly cwd?: string | URL;
  /** Environment variables, added to ours. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether it gets none of our environment variables. */
  readonly clearEnv?: boolean;
  /** The user it runs as. */
  readonly uid?: number;
  /** The group it runs as. */
  readonly gid?: number;
  /** Its standard input. */
  readonly stdin?: PipeStream;
  /** Its standard output. */
  readonly stdout?: PipeStream;
  /** Its standard error. */
  readonly stderr?: PipeStream;
}

/** What `communicate` answers. */
export interface PipeOutput {
  /** All that came from standard output. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** All that came from standard error. */
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** How it ended. */
  readonly status: Deno.CommandStatus;
}

/** One output of a child. */
class Output implements Readable {
  readonly readBuffer: ReadBuffer;
  readonly source: StreamSource;
  readonly #pipe: AsyncPipe;
  readonly #name: string;

  constructor(pipe: AsyncPipe, stream: ReadableStream<Uint8Array>, name: string) {
    this.#pipe = pipe;
    this.#name = name;
    this.source = new StreamSource(stream);
    this.readBuffer = new ReadBuffer(this.source);
  }

  get readSeconds(): number {
    return this.#pipe.readSeconds;
  }

  toString(): string {
    return `the ${this.#name} of ${this.#pipe}`;
  }
}

/**
 * A child process, or several connected in a row.
 *
 * - Reads lose nothing to timeouts; several coroutines may read or write and are served first come, first served.
 * - A child that ends early, or no longer reads, makes a `write` fail with `Deno.errors.BrokenPipe`, and nothing else.
 * - A child that writes much waits until it is read: read its outputs, or use `communicate`.
 * - It belongs to the coroutine that has made it: when that ends the child is killed. So is it by `close()` and `using`.
 *
 * @example
 * ```ts
 * import { AsyncPipe, run } from "@asyncoro/asyncoro";
 * import { assertEquals } from "@std/assert";
 *
 * await run(function* () {
 *   using sort = new AsyncPipe("sort");
 *   const { stdout, status } = yield* sort.communicate("b\na\n", 10);
 *   assertEquals(new TextDecoder().decode(stdout), "a\nb\n");
 *   assertEquals(status.success, true);
 * });
 * ```
 */
export class AsyncPipe implements Disposable, AliveListener {
  /** The command, as it was given. */
  readonly command: string;
  /** The process id; of several processes, the last one's. */
  readonly pid: number;
  /** @internal */
  readonly writeQueue: WriteQueue;
  /** @internal */
  readSeconds = Infinity;
  /** @internal */
  writeSeconds = Infinity;
  readonly #children: Deno.ChildProcess[];
  readonly #stdin: StreamSink | null;
  readonly #stdout: Output | null;
  readonly #stderr: Output | null;
  readonly #ended: Promise<Deno.CommandStatus>;
  readonly #closedWithOwner: ClosedWithOwner | null;
  // Whose scheduler says whether the children keep the process alive; `null`: they do.
  #scheduler: Scheduler | null = null;
  #statuses: readonly Deno.CommandStatus[] | null = null;
  #closed = false;

  /**
   * Starts a process.
   *
   * @param command The program: a name that is looked up in PATH, or a path.
   * @param options Its arguments and what else it needs, see {@linkcode PipeOptions}.
   * @throws {Error} What Deno says: `NotFound` if there is no such program, `NotCapable`, `PermissionDenied`.
   * @throws {TypeError} If `command` or an argument is not a string.
   * @throws {UnsupportedError} If the runtime has no processes.
   */
  constructor(command: string | URL, options: PipeOptions = {}) {
    const started = options instanceof Started ? options : startAll([[command, options]]);
    this.#children = started.children;
    this.command = started.name;
    const last = this.#children[this.#children.length - 1];
    this.pid = last.pid;
    this.#stdin = started.stdin === "piped" ? new StreamSink(this.#children[0].stdin) : null;
    this.writeQueue = new WriteQueue(this.#stdin ?? NO_STDIN);
    this.#stdout = started.stdout === "piped" ? new Output(this, last.stdout, "stdout") : null;
    this.#stderr = started.stderr === "piped" ? new Output(this, last.stderr, "stderr") : null;
    const owner = runningCoro();
    this.#closedWithOwner = owner === null ? null : new ClosedWithOwner(owner, () => this.close());
    if (owner !== null) this.#obey(owner.scheduler);
    this.#ended = Promise.all(this.#children.map((child) => child.status)).then((statuses) =>
      this.#end(statuses).at(-1)!
    );
  }

  /**
   * Starts several processes, each of which reads what the one before writes, as `a | b | c` does in a shell.
   *
   * What is written goes to the first; standard output and standard error that are read are those of the last. The
   * others share our standard error.
   *
   * @param commands The commands, each with its arguments.
   * @throws {Error} What Deno says about one of them; those that were started already are killed.
   * @throws {TypeError} If there is none, or one is not an array of strings.
   * @throws {UnsupportedError} If the runtime has no processes.
   */
  static pipeline(...commands: readonly (readonly [string, ...string[]])[]): AsyncPipe {
    if (commands.length === 0) throw new TypeError("Cannot start a pipeline as it has no commands: give at least one");
    const stages = commands.map((command): [string, PipeOptions] => {
      if (Array.isArray(command)) return [command[0], { args: command.slice(1) }];
      throw new TypeError(
        `Cannot start a pipeline as a command must be an array of strings: current value is ${describe(command)}`,
      );
    });
    const started = startAll(stages);
    return new AsyncPipe(started.name, started);
  }

  // --- reading ------------------------------------------------------------------------------------------------

  /**
   * Reads from standard output.
   *
   * @param size Bytes to read at the most; everything to the end of the stream if it is left out.
   * @param limit How long to wait.
   * @returns The bytes; none at the end of the stream.
   * @throws {TimeoutError} At the yield, if they did not come in time; what came stays for the next read.
   * @throws {ClosedError} At the yield, if the pipe was closed.
   * @throws {RangeError} If `size` is not a positive integer.
   * @throws {TypeError} If standard output is not piped.
   */
  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return read(this.#piped(this.#stdout, "stdout"), size, limit, "read");
  }

  /**
   * Reads exactly so many bytes from standard output.
   *
   * @param size How many.
   * @param limit How long to wait.
   * @throws {EOFError} At the yield, if the stream ends before; what came is in its `partial`.
   * @throws {TimeoutError} At the yield, if they did not come in time; what came stays for the next read.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  readall(size: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    const from = this.#piped(this.#stdout, "stdout");
    return typed(new ReadExactly(from, checkSize(size, "size", 0, "readall"), limit, "readall"));
  }

  /**
   * Reads a line from standard output, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max` for the bytes of the line.
   * @returns The line without its end; the last one may lack its end. `null` at the end of the stream.
   * @throws {TimeoutError} At the yield, if no whole line came in time; what came stays for the next read.
   * @throws {MessageTooLargeError} At the yield, if the line is longer than `max`.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    return typed(new ReadLine(this.#piped(this.#stdout, "stdout"), maxOf(limit, Infinity, "read a line"), limit));
  }

  /**
   * The lines of standard output to come, one after the other.
   *
   * @param limit How long to wait for each.
   */
  lines(limit?: IoLimit | BoundedReadOptions): Items<string> {
    return new Items(() => this.readline(limit));
  }

  /**
   * Reads from standard error, as `read` does from standard output.
   *
   * @param size Bytes to read at the most; everything to the end of the stream if it is left out.
   * @param limit How long to wait.
   * @throws {TimeoutError} At the yield, if they did not come in time; what came stays for the next read.
   * @throws {TypeError} If standard error is not piped.
   */
  readStderr(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return read(this.#piped(this.#stderr, "stderr"), size, limit, "readStderr");
  }

  // --- writing ------------------------------------------------------------------------------------------------

  /**
   * Writes all of the data to standard input. A child that reads slowly makes it wait.
   *
   * @param data Bytes, or text that is written as UTF-8. It must not be changed meanwhile.
   * @param limit How long to wait until it is written. When time is up, a part of it may be.
   * @returns How many bytes.
   * @throws {Error} At the yield, `Deno.errors.BrokenPipe` if the child no longer reads.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {TypeError} If `data` is neither bytes nor text, or standard input is not piped.
   */
  write(data: Data, limit?: IoLimit): Operation<number> {
    const bytes = toBytes(data, "write");
    this.#piped(this.#stdin, "stdin");
    return typed(new SendAll(this, bytes, limit, "write", bytes.length));
  }

  /**
   * Closes standard input after what was written before, so that the child sees its end.
   *
   * @throws {TypeError} If standard input is not piped.
   */
  closeStdin(): Operation<void> {
    this.#piped(this.#stdin, "stdin");
    return typed(new ShutdownWrite(this));
  }

  // --- both ---------------------------------------------------------------------------------------------------

  /**
   * Writes the input, closes standard input, reads both outputs to their ends and waits for the end of the process: all
   * at the same time, so that any size goes through.
   *
   * A child that does not read all of its input is no failure. Standard input is closed even if there is no input.
   *
   * @param input Bytes or text to write, if any.
   * @param limit How long it may take. When time is up the child goes on, and another `communicate` (without the input)
   * gets all of the outputs.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {TypeError} If `input` is neither bytes nor text.
   */
  communicate(input?: Data, limit?: IoLimit): Operation<PipeOutput> {
    const bytes = input === undefined || input === null ? null : toBytes(input, "communicate");
    if (bytes !== null) this.#piped(this.#stdin, "stdin");
    const seconds = secondsOf(limit, Infinity, "communicate");
    const body = this.#communicate(bytes, signalOf(limit));
    return seconds < Infinity ? withTimeout(seconds, body) : call(body);
  }

  *#communicate(input: Uint8Array | null, signal: AbortSignal | null): Generator<unknown, PipeOutput, unknown> {
    const limit = signal === null ? { timeout: null } : { timeout: null, signal };
    const outputs = [this.#stdout, this.#stderr].filter((output) => output !== null);
    const drained = outputs.map((output) => new Drain(output, limit));
    yield* all([this.#feed(input, limit), this.wait(limit), ...drained]);
    // Only now is anything taken: when this is given up before, all of it is still there for another try.
    return { stdout: takeAll(this.#stdout), stderr: takeAll(this.#stderr), status: this.#statuses!.at(-1)! };
  }

  *#feed(input: Uint8Array | null, limit: IoLimit): Generator<unknown, void, unknown> {
    if (this.#stdin === null) return;
    try {
      if (input !== null) yield* typed<number>(new SendAll(this, input, limit, "write", input.length));
      yield* this.closeStdin();
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /**
   * Waits for the end of the process; of several, of all.
   *
   * @param limit How long to wait; the process goes on when time is up.
   * @returns How it ended; of several, the last one.
   * @throws {TimeoutError} At the yield, if it did not end in time.
   */
  wait(limit?: IoLimit): Operation<Deno.CommandStatus> {
    this.#adopt();
    const known = () => this.#statuses?.at(-1);
    const start = () => this.#ended;
    return typed(new HostCall({ label: "wait", waitsFor: `the end of ${this}`, known, start }, limit));
  }

  /** How the processes ended, first to last; `null` while one of them goes on. */
  get statuses(): readonly Deno.CommandStatus[] | null {
    return this.#statuses;
  }

  /**
   * Sends a signal to the process; of several, to all.
   *
   * @param signal Its name.
   * @returns `false` if all have ended before.
   * @throws {TypeError} If there is no such signal.
   */
  kill(signal: Deno.Signal = "SIGTERM"): boolean {
    let reached = false;
    for (const child of this.#children) reached = killed(child, signal) || reached;
    return reached;
  }

  /**
   * Sets the default timeout of what reads and what writes; there is none at first.
   *
   * @param timeout Seconds or a duration for both, or `{ read, write }` for each; `null` sets no limit.
   * @throws {TypeError} If it is no time.
   */
  settimeout(timeout: Timeout | DirectionTimeouts): void {
    [this.readSeconds, this.writeSeconds] = directionSeconds(timeout, [this.readSeconds, this.writeSeconds]);
  }

  /**
   * Kills what has not ended, closes its streams and wakes everyone who reads or writes. Doing it twice is doing it once.
   *
   * For a gentle end use `kill("SIGTERM")` and `wait` before.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedWithOwner?.detach();
    this.#scheduler?.removeAliveListener(this);
    if (this.#statuses === null) this.kill("SIGKILL");
    const error = new ClosedError(`Cannot use ${this} as it is closed`);
    this.writeQueue.close(error);
    this.#stdin?.abort();
    for (const output of [this.#stdout, this.#stderr]) {
      output?.readBuffer.close(error);
      output?.source.cancel();
    }
  }

  /** The same as {@linkcode AsyncPipe.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** The command and the process id. */
  toString(): string {
    return `'${this.command}' (${this.pid})`;
  }

  /** @internal Called by the scheduler of whoever started it: whether it keeps the process alive. */
  setAlive(alive: boolean): void {
    for (const child of this.#children) alive ? child.ref() : child.unref();
  }

  #obey(scheduler: Scheduler): void {
    this.#scheduler = scheduler;
    scheduler.addAliveListener(this);
  }

  /** One that was started outside coroutines keeps the process alive, unless a daemon uses it. */
  #adopt(): void {
    const user = runningCoro();
    if (this.#scheduler === null && this.#statuses === null && user !== null && user.daemon) {
      this.#obey(user.scheduler);
    }
  }

  #end(statuses: Deno.CommandStatus[]): Deno.CommandStatus[] {
    this.#scheduler?.removeAliveListener(this);
    this.#statuses = statuses;
    return statuses;
  }

  #piped<T>(stream: T | null, name: string): T {
    this.#adopt();
    if (stream !== null) return stream;
    throw new TypeError(`Cannot use the ${name} of ${this} as it is not piped: leave out the option '${name}'`);
  }
}

/** Processes that were started, in the shape of options so that the constructor takes them. */
class Started implements PipeOptions {
  readonly children: Deno.ChildProcess[] = [];
  name = "";
  stdin: PipeStream = "piped";
  stdout: PipeStream = "piped";
  stderr: PipeStream = "piped";
}

const NO_STDIN = { write: (data: Uint8Array): Promise<number> => Promise.resolve(data.length) };

function startAll(stages: [string | URL, PipeOptions][]): Started {
  const deno = denoWith("Command", "start a process");
  const started = new Started();
  const last = stages.length - 1;
  try {
    stages.forEach(([command, options], index) => {
      const stderr = options.stderr ?? (index === last ? "piped" : "inherit");
      const streams = { stdin: options.stdin ?? "piped", stdout: options.stdout ?? "piped", stderr };
      const args = checkCommand(command, options.args ?? []);
      started.children.push(new deno.Command(command, { ...options, args, ...streams } as Deno.CommandOptions).spawn());
      if (index === 0) started.stdin = streams.stdin;
      Object.assign(started, { stdout: streams.stdout, stderr });
    });
  } catch (error) {
    for (const child of started.children) abandon(child);
    throw error;
  }
  for (let i = 0; i < last; i++) connect(started.children[i], started.children[i + 1]);
  started.name = stages.map(([command]) => String(command)).join(" | ");
  return started;
}

function checkCommand(command: unknown, args: readonly unknown[]): string[] {
  if (!(typeof command === "string" || command instanceof URL)) {
    throw new TypeError(
      `Cannot start a process as 'command' must be a string or a URL: current value is ${describe(command)}`,
    );
  }
  const wrong = Array.isArray(args) ? args.find((arg) => typeof arg !== "string") : args;
  if (wrong === undefined) return args as string[];
  throw new TypeError(
    `Cannot start a process as 'args' must be an array of strings: current value is ${describe(wrong)}`,
  );
}

/** What one writes the other reads. Either may end early: the other then sees the end, or a broken pipe. */
function connect(from: Deno.ChildProcess, to: Deno.ChildProcess): void {
  from.stdout.pipeTo(to.stdin).catch(() => {});
}

function abandon(child: Deno.ChildProcess): void {
  killed(child, "SIGKILL");
  child.stdin.abort().catch(() => {});
  child.stdout.cancel().catch(() => {});
}

function killed(child: Deno.ChildProcess, signal: Deno.Signal): boolean {
  try {
    child.kill(signal);
    return true;
  } catch (error) {
    // Only an unknown signal is the caller's mistake; a process that has ended is past killing.
    if (error instanceof TypeError && !/terminated/.test(error.message)) throw error;
    return false;
  }
}

function read(
  from: Output,
  size: number | undefined,
  limit: IoLimit,
  label: string,
): Operation<Uint8Array<ArrayBuffer>> {
  if (size === undefined) return typed(new ReadAll(from, limit, label));
  return typed(new ReadSome(from, checkSize(size, "size", 1, label), limit, label));
}

function takeAll(output: Output | null): Uint8Array<ArrayBuffer> {
  return output === null ? new Uint8Array(0) : output.readBuffer.take(output.readBuffer.available);
}

/** Whether an error says no more than that the child did not want all of its input. */
function isGone(error: unknown): boolean {
  const name = (error as Error | null)?.name;
  return name === "BrokenPipe" || name === "ConnectionReset" || name === "ClosedError";
}

function typed<T>(operation: Operation<unknown>): Operation<T> {
  return operation as Operation<T>;
}

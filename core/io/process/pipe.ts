/**
 * Child processes. Their streams go through a read buffer and a write queue, like those of a socket. A child belongs to
 * the coroutine that has started it, and is killed when that ends.
 */
import { ClosedWithOwner } from "../../coroutine/owned_resource.ts";
import { runningCoro } from "../../coroutine/coro_of.ts";
import { addAliveListener, type AliveListener, removeAliveListener } from "../../coroutine/alive_listeners.ts";
import { ClosedError } from "../../base/errors.ts";
import type { Operation } from "../../fiber/operation.ts";
import { all } from "../../coroutine/all.ts";
import { withTimeout } from "../../operations/with_timeout.ts";
import type { CoroLoop } from "../../coroutine/coro_loop.ts";
import type { Timeout } from "../../base/duration.ts";
import { type Data, toBytes } from "../stream/bytes.ts";
import { HostCall } from "../wait/host_call.ts";
import { Items } from "../../coroutine/items.ts";
import {
  type BoundedReadOptions,
  checkSize,
  directionSeconds,
  type DirectionTimeouts,
  type IoLimit,
  maxOf,
} from "../wait/io_options.ts";
import { WriteQueue } from "../stream/write_queue.ts";
import { Drain, ReadExactly, readSomeOrAll } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";
import { StreamSink } from "../stream/web_streams.ts";
import { SendAll, ShutdownWrite } from "../stream/write.ts";
import { ChildOutput } from "./child_output.ts";
import type { PipeOptions } from "./options.ts";
import { killProcess, pipelineStages, StartedProcesses, startProcesses } from "./start.ts";

/** The value of `communicate`. */
export interface PipeOutput {
  /** All bytes of standard output. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** All bytes of standard error. */
  readonly stderr: Uint8Array<ArrayBuffer>;
  /** How it ended. */
  readonly status: Deno.CommandStatus;
}

/**
 * A child process, or a pipeline of several.
 *
 * - A read that times out loses nothing. Several coroutines may read or write; they are served first come, first
 *   served.
 * - If a child ends early or no longer reads, a `write` fails with `Deno.errors.BrokenPipe`; nothing else fails.
 * - A child that writes much waits until its output is read: read its outputs, or use `communicate`.
 * - It belongs to the coroutine that has made it: the child is killed when that ends, and by `close()` and `using`.
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
  readonly #stdout: ChildOutput | null;
  readonly #stderr: ChildOutput | null;
  readonly #ended: Promise<Deno.CommandStatus>;
  readonly #closedWithOwner: ClosedWithOwner | null;
  // The run loop that decides whether the children keep the process alive; `null`: they do.
  #loop: CoroLoop | null = null;
  #statuses: readonly Deno.CommandStatus[] | null = null;
  #closed = false;

  /**
   * Starts a process.
   *
   * @param command The program: a name that is looked up in PATH, or a path.
   * @param options Its arguments, streams and more, see {@linkcode PipeOptions}.
   * @throws {Error} Deno's error: `NotFound` if there is no such program, `NotCapable`, `PermissionDenied`.
   * @throws {TypeError} If `command` or an argument is not a string.
   * @throws {UnsupportedError} If the runtime has no processes.
   */
  constructor(command: string | URL, options: PipeOptions = {}) {
    const started = options instanceof StartedProcesses ? options : startProcesses([[command, options]]);
    this.#children = started.children;
    this.command = started.name;
    const last = this.#children[this.#children.length - 1];
    this.pid = last.pid;
    this.#stdin = started.stdin === "piped" ? new StreamSink(this.#children[0].stdin) : null;
    this.writeQueue = new WriteQueue(this.#stdin ?? NO_STDIN);
    this.#stdout = started.stdout === "piped" ? new ChildOutput(this, last.stdout, "stdout") : null;
    this.#stderr = started.stderr === "piped" ? new ChildOutput(this, last.stderr, "stderr") : null;
    const owner = runningCoro();
    this.#closedWithOwner = owner === null ? null : new ClosedWithOwner(owner, () => this.close());
    if (owner !== null) this.#follow(owner.loop);
    this.#ended = Promise.all(this.#children.map((child) => child.status)).then((statuses) =>
      this.#noteEnd(statuses).at(-1)!
    );
  }

  /**
   * Starts several processes, each of which reads the output of the one before, as `a | b | c` does in a shell.
   *
   * `write` writes to the first process; the reads read standard output and standard error of the last. The other
   * processes share our standard error.
   *
   * @param commands The commands, each with its arguments.
   * @throws {Error} Deno's error about one of them; those that were started already are killed.
   * @throws {TypeError} If there are no commands, or one is not an array of strings.
   * @throws {UnsupportedError} If the runtime has no processes.
   */
  static pipeline(...commands: readonly (readonly [string, ...string[]])[]): AsyncPipe {
    const started = startProcesses(pipelineStages(commands));
    return new AsyncPipe(started.name, started);
  }

  // --- reading ------------------------------------------------------------------------------------------------

  /**
   * Reads from standard output.
   *
   * @param size The greatest number of bytes; if it is left out, everything to the end of the stream.
   * @param limit How long to wait.
   * @returns The bytes; none at the end of the stream.
   * @throws {TimeoutError} At the yield, if they did not come in time; the bytes that came stay for the next read.
   * @throws {ClosedError} At the yield, if the pipe was closed.
   * @throws {RangeError} If `size` is not a positive integer.
   * @throws {TypeError} If standard output is not piped.
   */
  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return readSomeOrAll(this.#piped(this.#stdout, "stdout"), size, limit, "read");
  }

  /**
   * Reads exactly `size` bytes from standard output.
   *
   * @param size The number of bytes.
   * @param limit How long to wait.
   * @throws {EOFError} At the yield, if the stream ends before; its `partial` has the bytes that came.
   * @throws {TimeoutError} At the yield, if they did not come in time; the bytes that came stay for the next read.
   * @throws {RangeError} If `size` is not a positive integer or zero.
   */
  readall(size: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    const from = this.#piped(this.#stdout, "stdout");
    return new ReadExactly(from, checkSize(size, "size", 0, "read"), limit, "readall");
  }

  /**
   * Reads a line from standard output, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max`, the greatest number of bytes of the line.
   * @returns The line without its line end, which the last line may lack. `null` at the end of the stream.
   * @throws {TimeoutError} At the yield, if no whole line came in time; the bytes that came stay for the next read.
   * @throws {MessageTooLargeError} At the yield, if the line is longer than `max`.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    return new ReadLine(this.#piped(this.#stdout, "stdout"), maxOf(limit, Infinity, "read a line"), limit);
  }

  /**
   * The lines of standard output, one after the other.
   *
   * @param limit How long to wait for each line.
   */
  lines(limit?: IoLimit | BoundedReadOptions): Items<string> {
    return new Items(() => this.readline(limit));
  }

  /**
   * Reads from standard error, as `read` reads from standard output.
   *
   * @param size The greatest number of bytes; if it is left out, everything to the end of the stream.
   * @param limit How long to wait.
   * @throws {TimeoutError} At the yield, if they did not come in time; the bytes that came stay for the next read.
   * @throws {TypeError} If standard error is not piped.
   */
  readStderr(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    return readSomeOrAll(this.#piped(this.#stderr, "stderr"), size, limit, "readStderr");
  }

  // --- writing ------------------------------------------------------------------------------------------------

  /**
   * Writes all of the data to standard input. It waits while the child reads slowly.
   *
   * @param data Bytes, or text that is written as UTF-8. It must not be changed meanwhile.
   * @param limit How long to wait until all is written. After a timeout, a part of it may have been written.
   * @returns How many bytes.
   * @throws {Error} At the yield, `Deno.errors.BrokenPipe` if the child no longer reads.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {TypeError} If `data` is neither bytes nor text, or standard input is not piped.
   */
  write(data: Data, limit?: IoLimit): Operation<number> {
    const bytes = toBytes(data, "write");
    this.#piped(this.#stdin, "stdin");
    return new SendAll(this, bytes, limit, "write", bytes.length);
  }

  /**
   * Closes standard input after all that was written before, so that the child sees its end.
   *
   * @throws {TypeError} If standard input is not piped.
   */
  closeStdin(): Operation<void> {
    this.#piped(this.#stdin, "stdin");
    return new ShutdownWrite(this);
  }

  // --- the process --------------------------------------------------------------------------------------------

  /**
   * Writes the input, closes standard input, reads both outputs to their ends and waits for the end of the process. All
   * this happens at the same time, so that no amount of data can block it.
   *
   * It does not fail if the child does not read all of its input. Standard input is closed even if there is no input.
   *
   * @param input Bytes or text to write, if any.
   * @param limit How long it may take. After a timeout the child goes on, and another `communicate` (without the input)
   * returns the whole outputs.
   * @throws {TimeoutError} At the yield, if it took too long.
   * @throws {TypeError} If `input` is neither bytes nor text.
   */
  communicate(input?: Data, limit?: IoLimit): Operation<PipeOutput> {
    const bytes = input === undefined || input === null ? null : toBytes(input, "write");
    if (bytes !== null) this.#piped(this.#stdin, "stdin");
    return withTimeout(limit, this.#communicate(bytes));
  }

  *#communicate(input: Uint8Array | null): Generator<unknown, PipeOutput, unknown> {
    const outputs = [this.#stdout, this.#stderr].filter((output) => output !== null);
    const drained = outputs.map((output) => new Drain(output, null));
    yield* all([this.#feed(input), this.wait(null), ...drained]);
    // Nothing is taken before: if this is given up, all bytes are still there for another call.
    const none = new Uint8Array(0);
    return {
      stdout: this.#stdout?.takeAll() ?? none,
      stderr: this.#stderr?.takeAll() ?? none,
      status: this.#statuses!.at(-1)!,
    };
  }

  *#feed(input: Uint8Array | null): Generator<unknown, void, unknown> {
    if (this.#stdin === null) return;
    try {
      // `null` for no limit: the limit is that of the whole.
      if (input !== null) yield* new SendAll(this, input, null, "write", input.length);
      yield* this.closeStdin();
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
  }

  /**
   * Waits for the end of the process; in a pipeline, of all processes.
   *
   * @param limit How long to wait; after a timeout the process goes on.
   * @returns The status of the process; in a pipeline, of the last one.
   * @throws {TimeoutError} At the yield, if it did not end in time.
   */
  wait(limit?: IoLimit): Operation<Deno.CommandStatus> {
    this.#noteUser();
    const known = () => this.#statuses?.at(-1);
    const start = () => this.#ended;
    return new HostCall({ label: "wait", waitsFor: `the end of ${this}`, known, start }, limit);
  }

  /** The statuses of the processes, first to last; `null` while one of them runs. */
  get statuses(): readonly Deno.CommandStatus[] | null {
    return this.#statuses;
  }

  /**
   * Sends a signal to the process; in a pipeline, to all processes.
   *
   * @param signal The name of the signal.
   * @returns `false` if all have ended before.
   * @throws {TypeError} If there is no such signal.
   */
  kill(signal: Deno.Signal = "SIGTERM"): boolean {
    let reached = false;
    for (const child of this.#children) reached = killProcess(child, signal) || reached;
    return reached;
  }

  /**
   * Sets the default timeouts of reads and writes; at first there are none.
   *
   * @param timeout Seconds or a duration for both, or `{ read, write }` for each; `null` sets no limit.
   * @throws {TypeError} If it is not a valid duration.
   */
  settimeout(timeout: Timeout | DirectionTimeouts): void {
    [this.readSeconds, this.writeSeconds] = directionSeconds(timeout, [this.readSeconds, this.writeSeconds]);
  }

  /**
   * Kills the processes that run, and closes their streams; every read and write that waits fails with a `ClosedError`.
   * Calling it again has no effect.
   *
   * For a gentle end, use `kill("SIGTERM")` and `wait` before.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedWithOwner?.detach();
    if (this.#loop !== null) removeAliveListener(this.#loop, this);
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

  /** @internal Called by the scheduler: makes the children keep the process alive, or not. */
  setAlive(alive: boolean): void {
    for (const child of this.#children) alive ? child.ref() : child.unref();
  }

  /** Lets a run loop decide from now on whether the children keep the process alive. */
  #follow(loop: CoroLoop): void {
    this.#loop = loop;
    addAliveListener(loop, this);
  }

  /** Children that were started outside coroutines keep the process alive, until a daemon uses them. */
  #noteUser(): void {
    const user = runningCoro();
    if (this.#loop === null && this.#statuses === null && user !== null && user.daemon) {
      this.#follow(user.loop);
    }
  }

  #noteEnd(statuses: Deno.CommandStatus[]): Deno.CommandStatus[] {
    if (this.#loop !== null) removeAliveListener(this.#loop, this);
    this.#statuses = statuses;
    return statuses;
  }

  /** Returns a stream of the child, if it is piped. */
  #piped<T>(stream: T | null, name: string): T {
    this.#noteUser();
    if (stream !== null) return stream;
    throw new TypeError(`Cannot use the ${name} of ${this} as it is not piped: leave out the option '${name}'`);
  }
}

const NO_STDIN = { write: (data: Uint8Array): Promise<number> => Promise.resolve(data.length) };

/** Whether an error means only that the child did not read all of its input. */
function isBroken(error: unknown): boolean {
  const name = (error as Error | null)?.name;
  return name === "BrokenPipe" || name === "ConnectionReset" || name === "ClosedError";
}

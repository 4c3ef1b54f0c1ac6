/** The process of a server, as its node sees it. */
import { startTimer, stopTimer } from "../../host/timers.ts";
import { killProcess } from "../../io/process/start.ts";
import { ChildConn } from "./child_conn.ts";
import { ForwardedLines, type LineSink } from "./forward_lines.ts";

/**
 * Seconds after the end of the process until its outputs are taken to have ended. A process that it has started may hold
 * them open; what it has written itself is there already.
 */
const LATE_SECONDS = 0.5;

/** See the head of this file. */
export class ServerChild {
  /** Its standard input and output. */
  readonly conn: ChildConn;
  /** The number of the process. */
  readonly pid: number;
  /** Fulfilled when it has ended. Never rejected. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #lines: ForwardedLines;

  /** Starts it in a folder. The lines of its standard error go to `sink`, with its name. */
  constructor(args: readonly string[], folder: string, name: string, sink: LineSink) {
    // The variable from which the program of a node takes the secret is not for jobs that may read the environment.
    const env = { ASYNCORO_SECRET: "" };
    const streams = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    this.#child = new Deno.Command(Deno.execPath(), { args: [...args], cwd: folder, env, ...streams }).spawn();
    this.#child.unref();
    this.pid = this.#child.pid;
    this.conn = new ChildConn(this.#child);
    this.#lines = new ForwardedLines(this.#child.stderr, name, sink);
    this.ended = this.#child.status;
    this.ended.then(() => this.#endStreams());
    // Without its link it is of no use, and it may compute for ever.
    this.conn.closed.then(() => this.kill());
  }

  /** Ends it at once. */
  kill(): void {
    killProcess(this.#child, "SIGKILL");
  }

  /** How it has ended, in words, with the first line that it has written to its standard error. */
  async describeEnd(): Promise<string> {
    const { signal, code } = await this.ended;
    await this.#lines.ended;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    return this.#lines.first === "" ? how : `${how}: ${this.#lines.first}`;
  }

  #endStreams(): void {
    const timer = startTimer(
      () => {
        this.conn.endReading();
        this.#lines.end();
      },
      LATE_SECONDS,
      true,
    );
    Promise.all([this.conn.closed, this.#lines.ended]).then(() => stopTimer(timer));
  }
}

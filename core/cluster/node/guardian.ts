/**
 * Ends the servers of a node that was killed, and removes their files.
 *
 * A server sees at its standard input that its node has ended, unless it computes: then it looks when it is done, which
 * may be never. So a node starts one more process, a shell that waits for the end of its own standard input and then
 * kills the servers that the node has named. Where there is no `sh`, as in Windows, there is none.
 */
import { StreamSink } from "../../io/stream/web_streams.ts";

/** Signals to all processes of a terminal or a service do not end it. */
const PROGRAM = `trap '' HUP INT TERM
pids= folder=
while read -r kind rest; do
  case $kind in
    pids) pids=$rest ;;
    folder) folder=$rest ;;
  esac
done
[ -z "$pids" ] || kill -9 $pids
[ -z "$folder" ] || rm -rf -- "$folder"`;

/** See the head of this file. */
export class Guardian {
  readonly #child: Deno.ChildProcess | null;
  readonly #sink: StreamSink | null;
  readonly #pids: Set<number> = new Set();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(child: Deno.ChildProcess | null) {
    this.#child = child;
    this.#sink = child === null ? null : new StreamSink(child.stdin);
    child?.unref();
  }

  /** Starts it. */
  static start(): Guardian {
    const streams = { stdin: "piped", stdout: "null", stderr: "null" } as const;
    try {
      return new Guardian(
        new Deno.Command("sh", { args: ["-c", PROGRAM], env: { ASYNCORO_SECRET: "" }, ...streams }).spawn(),
      );
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Guardian(null);
      throw error;
    }
  }

  /** Adds a server that was started. All servers at one time have the same folder. */
  add(pid: number, folder: string): void {
    if (this.#pids.size === 0) this.#tell("folder", folder);
    this.#pids.add(pid);
    this.#tell("pids", [...this.#pids].join(" "));
  }

  /** Removes a server that has ended: another process may get its number. */
  delete(pid: number): void {
    this.#pids.delete(pid);
    this.#tell("pids", [...this.#pids].join(" "));
    if (this.#pids.size === 0) this.#tell("folder", "");
  }

  /** Ends it. Resolved when it has ended. */
  async close(): Promise<void> {
    if (this.#child === null) return;
    await this.#writing;
    this.#child.ref();
    await this.#sink!.closeWrite().catch(ignore);
    await this.#child.status;
  }

  #tell(kind: "pids" | "folder", value: string): void {
    const line = new TextEncoder().encode(`${kind} ${value}\n`);
    // If it was killed itself, the servers are not guarded, and nothing else is wrong.
    this.#writing = this.#writing.then(() => this.#sink?.write(line)).catch(ignore);
  }
}

function ignore(): void {}

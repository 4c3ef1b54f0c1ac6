/**
 * The standard input and output of a server as its connection to the node.
 *
 * The process lives as long as the connection: when the node has ended, or this side has closed it and all is written,
 * the process ends at once. It does not wait for the run loop, which may run the code of jobs.
 */
import type { StreamConn } from "../../distributed/engines/tcp_link.ts";

/** See the head of this file. */
export class StdioConn implements StreamConn {
  readonly #stdin: typeof Deno.stdin = Deno.stdin;
  readonly #stdout: typeof Deno.stdout = Deno.stdout;
  readonly #exit: (code: number) => never = Deno.exit;

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#stdin.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#stdout.write(bytes);
  }

  /** The node sees the end of the stream when the process has ended. */
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#exit(0);
  }

  ref(): void {}

  unref(): void {}
}

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
  /** The last write. */
  #write: Promise<number> | null = null;

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#stdin.read(buffer);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#write = this.#stdout.write(bytes);
  }

  /** Waits until the host has nothing to write: the link writes the next frame as soon as one is written. */
  async sent(): Promise<void> {
    let write: Promise<number> | null = null;
    while (write !== this.#write) await (write = this.#write);
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

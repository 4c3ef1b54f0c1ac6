import type { Operation } from "../../fiber/operation.ts";
import { denoWith } from "../../host/capability.ts";
import { type ByteSource, ReadBuffer } from "../stream/read_buffer.ts";
import { Items } from "../items.ts";
import { type BoundedReadOptions, checkSize, type IoLimit, maxOf } from "../wait/io_options.ts";
import { ReadAll, ReadSome } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";

/** Deno's standard input. Its methods to hold the process open, or not, are there but have symbols for names. */
class StdinSource implements ByteSource {
  #input: typeof Deno.stdin | null = null;

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#stdin.read(buffer);
  }

  ref(): void {
    this.#tell("REF");
  }

  unref(): void {
    this.#tell("UNREF");
  }

  get #stdin(): typeof Deno.stdin {
    return this.#input ??= denoWith("stdin", "read standard input").stdin;
  }

  #tell(what: string): void {
    const stdin = this.#stdin;
    const symbol = Object.getOwnPropertySymbols(Object.getPrototypeOf(stdin)).find((each) => each.description === what);
    if (symbol === undefined) return;
    const method = (stdin as unknown as Record<symbol, unknown>)[symbol];
    if (typeof method === "function") method.call(stdin);
  }
}

/**
 * Standard input, read without holding the process open when nobody waits for it.
 *
 * A read that times out or is cancelled loses nothing. Several coroutines may read; they are served in order. While it
 * is used, `Deno.stdin` must not be read by anyone else.
 *
 * @example
 * ```ts
 * import { run, stdin } from "@asyncoro/asyncoro";
 *
 * export const greet = () =>
 *   run(function* () {
 *     console.log("Your name?");
 *     const name = yield* stdin.readline(30);
 *     console.log(name === null ? "Nobody?" : `Hello ${name}`);
 *   });
 * ```
 */
export interface AsyncStdin {
  /**
   * Reads a line, as UTF-8.
   *
   * @param limit How long to wait; an object may have a `max` for the bytes of the line.
   * @returns The line without its end; `null` at the end of the input.
   * @throws {TimeoutError} At the yield, if no whole line came in time; what came stays for the next read.
   * @throws {UnsupportedError} If the runtime has no standard input.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null>;
  /**
   * Reads bytes.
   *
   * @param size How many at the most; everything to the end of the input if it is left out.
   * @param limit How long to wait.
   * @returns The bytes; none at the end of the input.
   * @throws {TimeoutError} At the yield, if nothing came in time.
   * @throws {UnsupportedError} If the runtime has no standard input.
   */
  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>>;
  /**
   * The lines to come, one after the other.
   *
   * @param limit How long to wait for each.
   */
  lines(limit?: IoLimit | BoundedReadOptions): Items<string>;
}

class Stdin implements AsyncStdin {
  readonly readBuffer = new ReadBuffer(new StdinSource());
  readonly readSeconds = Infinity;

  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null> {
    denoWith("stdin", "read standard input");
    return typed(new ReadLine(this, maxOf(limit, Infinity, "read a line"), limit));
  }

  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    denoWith("stdin", "read standard input");
    if (size === undefined) return typed(new ReadAll(this, limit, "read"));
    return typed(new ReadSome(this, checkSize(size, "size", 1, "read"), limit, "read"));
  }

  lines(limit?: IoLimit | BoundedReadOptions): Items<string> {
    return new Items(() => this.readline(limit));
  }

  toString(): string {
    return "standard input";
  }
}

// Pure, so that a bundle that does not use it is one without all that reads.
/** Standard input of this process: see {@linkcode AsyncStdin}. */
export const stdin: AsyncStdin = /* @__PURE__ */ new Stdin();

function typed<T>(operation: Operation<unknown>): Operation<T> {
  return operation as Operation<T>;
}

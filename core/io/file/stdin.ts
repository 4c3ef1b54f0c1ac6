import type { Operation } from "../../fiber/operation.ts";
import { denoWith } from "../../host/capability.ts";
import { type ByteSource, ReadBuffer } from "../stream/read_buffer.ts";
import { Items } from "../../coroutine/items.ts";
import { type BoundedReadOptions, type IoLimit, maxOf } from "../wait/io_options.ts";
import { readSomeOrAll } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";

/** Deno's standard input. Deno exposes its `ref` and `unref` methods under symbols only. */
class StdinSource implements ByteSource {
  #input: typeof Deno.stdin | null = null;

  read(buffer: Uint8Array): Promise<number | null> {
    return this.#stdin.read(buffer);
  }

  ref(): void {
    this.#callSymbol("REF");
  }

  unref(): void {
    this.#callSymbol("UNREF");
  }

  get #stdin(): typeof Deno.stdin {
    return this.#input ??= denoWith("stdin", "read standard input").stdin;
  }

  #callSymbol(description: string): void {
    const stdin = this.#stdin;
    const symbols = Object.getOwnPropertySymbols(Object.getPrototypeOf(stdin));
    const symbol = symbols.find((symbol) => symbol.description === description);
    if (symbol === undefined) return;
    const method = (stdin as unknown as Record<symbol, unknown>)[symbol];
    if (typeof method === "function") method.call(stdin);
  }
}

/**
 * Standard input. A read keeps the process alive only while a coroutine waits for it.
 *
 * A read that times out or is cancelled loses nothing. Several coroutines may read; they are served in order. Nothing
 * else may read `Deno.stdin` meanwhile.
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
   * @param limit How long to wait; an object may have a `max`, the greatest number of bytes of the line.
   * @returns The line without its line end; `null` at the end of the input.
   * @throws {TimeoutError} At the yield, if no whole line came in time; the bytes that came stay for the next read.
   * @throws {UnsupportedError} If the runtime has no standard input.
   */
  readline(limit?: IoLimit | BoundedReadOptions): Operation<string | null>;
  /**
   * Reads bytes.
   *
   * @param size The greatest number of bytes; if it is left out, everything to the end of the input.
   * @param limit How long to wait.
   * @returns The bytes; none at the end of the input.
   * @throws {TimeoutError} At the yield, if nothing came in time.
   * @throws {UnsupportedError} If the runtime has no standard input.
   */
  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>>;
  /**
   * The lines, one after the other.
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
    return new ReadLine(this, maxOf(limit, Infinity, "read a line"), limit);
  }

  read(size?: number, limit?: IoLimit): Operation<Uint8Array<ArrayBuffer>> {
    denoWith("stdin", "read standard input");
    return readSomeOrAll(this, size, limit, "read");
  }

  lines(limit?: IoLimit | BoundedReadOptions): Items<string> {
    return new Items(() => this.readline(limit));
  }

  toString(): string {
    return "standard input";
  }
}

// `@__PURE__`: bundlers may drop it where it is not used, and all reading with it.
/** The standard input of this process: see {@linkcode AsyncStdin}. */
export const stdin: AsyncStdin = /* @__PURE__ */ new Stdin();

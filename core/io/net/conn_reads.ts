/**
 * Reads from connections of Deno by a shorter way.
 *
 * `read` of a `Deno.Conn` is an async function around the operation of Deno that reads. It keeps the operation in a set,
 * for `ref` and `unref`, and makes `null` of a count of zero. That costs as much as everything that is done here for a
 * receive. So where Deno's internal functions are as expected, the operation itself is called; elsewhere `read` is.
 */
import type { ByteSource } from "../stream/read_buffer.ts";

/** The number of an operation, in the property in which its promise has it. */
type Numbered = Readonly<Record<symbol, number | undefined>>;

/** Deno's functions. */
interface Internals {
  /** The property of a connection with the number of its resource. */
  readonly internalRidSymbol: symbol;
  /** The property of the promise of an operation with the number of the operation, if it has not ended at once. */
  readonly promiseIdSymbol: symbol;
  /** Reads into the buffer; returns how many bytes, zero at the end. */
  read(resource: number, buffer: Uint8Array): Promise<number> & Numbered;
  /** Makes an operation keep the process alive, as at first. They have no effect on one that has ended. */
  refOpPromise(promise: Numbered): void;
  /** Lets the process end in spite of it. */
  unrefOpPromise(promise: Numbered): void;
}

/** Finds them in the globals of a host; `null` if they are not as expected. */
// deno-lint-ignore no-explicit-any -- internals are behind a symbol
export function internalsOf({ Deno }: { readonly Deno?: any }): Internals | null {
  const core: Partial<Internals> | undefined = Deno?.[Deno.internal]?.core;
  const functions = [core?.read, core?.refOpPromise, core?.unrefOpPromise];
  const symbols = [core?.internalRidSymbol, core?.promiseIdSymbol];
  const areKnown = functions.every((fn) => typeof fn === "function") &&
    symbols.every((symbol) => typeof symbol === "symbol");
  return areKnown ? core as Internals : null;
}

const INTERNALS = /* @__PURE__ */ internalsOf(globalThis);

/**
 * Returns the shorter way to read from a connection, see `ReadBuffer.shortcut`; `null` if there is none, as for an object
 * that is only like a connection of Deno.
 */
export function connReads(conn: ByteSource, internals: Internals | null = INTERNALS): ByteSource | null {
  // A `read` of its own is not to be passed by.
  if (internals === null || Object.hasOwn(conn, "read")) return null;
  const resource: unknown = Object.getOwnPropertyDescriptor(conn, internals.internalRidSymbol)?.value;
  return typeof resource === "number" ? new ConnReads(internals, conn, resource) : null;
}

class ConnReads implements ByteSource {
  private alive = true;
  // The number of the last one. To keep its promise would cost more, as that is a new object.
  private operation: number | undefined = undefined;

  constructor(
    private readonly internals: Internals,
    private readonly conn: ByteSource,
    private readonly resource: number,
  ) {}

  read(buffer: Uint8Array<ArrayBuffer>): Promise<number> {
    const promise = this.internals.read(this.resource, buffer);
    this.operation = promise[this.internals.promiseIdSymbol];
    if (!this.alive) this.internals.unrefOpPromise(promise);
    return promise;
  }

  // TLS may be started on the connection later, which then reads from it.

  ref(): void {
    this.alive = true;
    this.internals.refOpPromise(this.last());
    this.conn.ref!();
  }

  unref(): void {
    this.alive = false;
    this.internals.unrefOpPromise(this.last());
    this.conn.unref!();
  }

  private last(): Numbered {
    return { [this.internals.promiseIdSymbol]: this.operation };
  }
}

/**
 * The types of the web that the declarations of this package mention, for compilers that know Node.js only. They
 * declare only what is true of the web's own types, so that such objects are assignable.
 */

/** What can be transferred to a worker. */
export type Transferable = object;

/** The import of a compiled kernel. */
export declare namespace WebAssembly {
  /** A compiled module. */
  type Module = object;

  /** The memory of an instance. */
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }
}

/**
 * What the declarations of this package mention of the web's own types, for compilers that know Node.js alone. It says
 * no more than is true where those types are known, so that their objects may be given where these are asked for.
 */

/** What can be transferred to a worker. */
export type Transferable = object;

/** Of a compiled kernel. */
export declare namespace WebAssembly {
  /** A compiled module. */
  type Module = object;

  /** The memory of an instance. */
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }
}

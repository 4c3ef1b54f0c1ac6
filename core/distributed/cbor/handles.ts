/** Converts handles and instances of registered classes to values that can be encoded, and back. */
import { SerializationError } from "../errors.ts";

/** Takes objects apart that the codec does not know, and makes them again. On the wire they are a name and arguments. */
export interface Handles {
  /** Returns the name and the arguments of an object, or `null` if this does not know it. */
  pack(value: object): readonly unknown[] | null;
  /**
   * Makes the object of a name and its arguments. If it throws, the rest of the value is read, and then
   * {@linkcode Decoder.decode} throws that error.
   */
  unpack(name: string, args: readonly unknown[]): unknown;
}

/** Knows no object. */
export const NO_HANDLES: Handles = {
  pack: () => null,
  unpack(name) {
    throw new SerializationError(`Cannot receive an instance as no class has its name: current value is "${name}"`);
  },
};

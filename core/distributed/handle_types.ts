import type { Handles } from "./cbor/handles.ts";
import { sendableClasses } from "./sendable.ts";

/** How one kind of handle is sent: coroutines, channels, RCIs, locations. */
export interface HandleType {
  /** Its name on the wire, which starts with `asyncoro.`. */
  readonly name: string;
  /** Returns the arguments from which the handle is made, or `null` if the value is of another kind. */
  pack(value: object): readonly unknown[] | null;
  /**
   * Makes the handle.
   *
   * @throws {SerializationError} if the arguments are not those of such a handle.
   */
  unpack(args: readonly unknown[]): unknown;
}

/** The handles that a network sends, and the classes that the program has registered with `sendable()`. */
export class HandleTypes implements Handles {
  private readonly types: HandleType[] = [];
  private readonly byName: Map<string, HandleType> = new Map();

  /** Adds a kind. */
  add(type: HandleType): void {
    this.types.push(type);
    this.byName.set(type.name, type);
  }

  pack(value: object): readonly unknown[] | null {
    for (const type of this.types) {
      const args = type.pack(value);
      if (args !== null) return [type.name, ...args];
    }
    return sendableClasses.pack(value);
  }

  unpack(name: string, args: readonly unknown[]): unknown {
    const type = this.byName.get(name);
    return type === undefined ? sendableClasses.unpack(name, args) : type.unpack(args);
  }
}

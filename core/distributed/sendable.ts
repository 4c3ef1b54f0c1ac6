/** The classes whose instances may be sent to peers: how to take an instance apart, and how to make it again. */
import { describe } from "../base/describe.ts";
import { SerializationError } from "./errors.ts";
import type { Handles } from "./cbor/handles.ts";

/** A class, possibly abstract or with a private constructor. */
// deno-lint-ignore ban-types -- nothing but the prototype is used
export type SendableClass<T> = Function & { readonly prototype: T };

/** How instances of a class are sent: see {@linkcode sendable}. */
export interface SendableOptions<T, P> {
  /** Returns one sendable value, from which {@linkcode unpack} makes an equal instance. */
  readonly pack: (instance: T) => P;
  /** Makes an instance from what {@linkcode pack} returned at the sender. */
  readonly unpack: (packed: P) => T;
}

interface Registration {
  readonly class: SendableClass<object>;
  readonly name: string;
  readonly pack: (instance: object) => unknown;
  readonly unpack: (packed: unknown) => unknown;
}

/** The beginning of the names that the handles of this package have on the wire. */
export const RESERVED_PREFIX = "asyncoro.";

/** What the codec itself writes as a named object. */
const RESERVED_NAMES: readonly string[] = ["DOMException", "DataView", "Error"];

const byPrototype = new Map<object, Registration>();
const byName = new Map<string, Registration>();

/**
 * Lets instances of a class be sent to peers, under a name.
 *
 * Both sides must register the class under the same name. Instances of its subclasses are not sendable unless these are
 * registered too. Registering the same class again under its name replaces the functions.
 *
 * ```ts
 * import { sendable } from "@asyncoro/asyncoro/distributed";
 *
 * class Money {
 *   constructor(readonly cents: number) {}
 * }
 * sendable(Money, "Money", { pack: (money) => money.cents, unpack: (cents: number) => new Money(cents) });
 * ```
 *
 * @param Class The class.
 * @param name Its name for all peers. `Error`, `DataView`, `DOMException` and names that start with `asyncoro.` are
 * reserved.
 * @param options `pack` and `unpack`.
 * @throws {TypeError} if an argument is not valid or the name is reserved.
 * @throws {Error} if the name belongs to another class, or the class has another name.
 */
export function sendable<T extends object, P>(
  Class: SendableClass<T>,
  name: string,
  options: SendableOptions<T, P>,
): void {
  checkArguments(Class, name, options);
  registerSendable(Class, name, options);
}

/** @internal The same for classes of this package, whose names begin with `asyncoro.`. */
export function registerSendable<T extends object, P>(
  Class: SendableClass<T>,
  name: string,
  options: SendableOptions<T, P>,
): void {
  const registration = { class: Class, name, pack: options.pack, unpack: options.unpack } as unknown as Registration;
  const taken = byName.get(name) ?? registration;
  if (taken.class !== Class) {
    throw new Error(
      `Cannot make ${describe(Class)} sendable as ${JSON.stringify(name)} is the name of ${describe(taken.class)}: ` +
        `choose another name`,
    );
  }
  const known = byPrototype.get(Class.prototype) ?? registration;
  if (known.name !== name) {
    throw new Error(`Cannot make ${describe(Class)} sendable as ${JSON.stringify(name)}: its name is "${known.name}"`);
  }
  byPrototype.set(Class.prototype, registration);
  byName.set(name, registration);
}

/** The registered classes, as what the codec asks of handles. */
export const sendableClasses: Handles = {
  pack(value: object): readonly unknown[] | null {
    const registration = byPrototype.get(Object.getPrototypeOf(value));
    return registration === undefined ? null : [registration.name, registration.pack(value)];
  },

  unpack(name: string, args: readonly unknown[]): unknown {
    const registration = byName.get(name);
    if (registration === undefined) {
      throw new SerializationError(
        `Cannot receive an instance as no class has its name: current value is ${JSON.stringify(name)}, ` +
          `register the class with sendable()`,
      );
    }
    return registration.unpack(args[0]);
  },
};

function checkArguments(
  Class: unknown,
  name: unknown,
  options: { readonly pack?: unknown; readonly unpack?: unknown } | null,
): void {
  if (typeof Class !== "function" || typeof Class.prototype !== "object" || Class.prototype === null) {
    throw new TypeError(`Cannot make a class sendable as it must be a class: current value is ${describe(Class)}`);
  }
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      `Cannot make ${describe(Class)} sendable as 'name' must be text: current value is ${describe(name)}`,
    );
  }
  if (RESERVED_NAMES.includes(name) || name.startsWith(RESERVED_PREFIX)) {
    throw new TypeError(`Cannot make ${describe(Class)} sendable as the name is reserved: current value is "${name}"`);
  }
  for (const key of ["pack", "unpack"] as const) {
    if (typeof options?.[key] !== "function") {
      throw new TypeError(
        `Cannot make ${describe(Class)} sendable as '${key}' must be a function: ` +
          `current value is ${describe(options?.[key])}`,
      );
    }
  }
}

/** Values that can be thrown and that throw or misbehave when they are inspected. */
import { runInNewContext } from "node:vm";

function refusing(property: PropertyKey, value: object = new Error("boom")): object {
  return Object.defineProperty(value, property, {
    enumerable: true,
    configurable: true,
    get: () => {
      throw new Error(`reading ${String(property)}`);
    },
  });
}

function revoked(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function refuse(): never {
  throw new Error("trap");
}

/** Makes each of them, by name; new ones at each call. */
export const STRANGE: Readonly<Record<string, () => unknown>> = {
  "null": () => null,
  "undefined": () => undefined,
  "a symbol": () => Symbol("boom"),
  "a bigint": () => 10n,
  "an object without prototype": () => Object.create(null),
  "an error whose stack is an array": () => Object.assign(new Error("boom"), { stack: ["a", "b"] }),
  "an error without a stack": () => Object.assign(new Error("boom"), { stack: undefined }),
  "an error whose stack throws": () => refusing("stack"),
  "an error whose message throws": () => refusing("message"),
  "an error whose name throws": () => refusing("name"),
  "an error whose name is a symbol": () => Object.assign(new Error("boom"), { stack: 1, name: Symbol("name") }),
  "an error whose cause throws": () => refusing("cause"),
  "an error that is its own cause": () => {
    const error = new Error("boom");
    return Object.assign(error, { cause: error });
  },
  "an error whose cause is strange": () => new Error("boom", { cause: revoked(new Error("cause")) }),
  "a frozen error": () => Object.freeze(new Error("boom")),
  "an error with a setter that throws": () =>
    Object.defineProperty(new Error("boom"), "stack", { get: () => "Error: boom", set: refuse }),
  "an error of another realm": () => runInNewContext("new Error('boom')"),
  "a revoked proxy": () => revoked({}),
  "a revoked proxy of an error": () => revoked(new Error("boom")),
  "a revoked proxy of a function": () => revoked(() => {}),
  "a proxy whose traps throw": () =>
    new Proxy(new Error("boom"), { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse, set: refuse }),
  "an object that shows itself by throwing": () => ({
    [Symbol.for("Deno.customInspect")]: refuse,
    toString: refuse,
    [Symbol.toPrimitive]: refuse,
  }),
  "an object whose constructor throws": () => refusing("constructor", {}),
  "an object whose tag throws": () => refusing(Symbol.toStringTag, {}),
};

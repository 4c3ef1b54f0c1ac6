/**
 * Errors as a name, a message, a stack and their own properties. Classes are told by the name of the error: those built
 * in and those of this package are made again, any other becomes a {@linkcode RemoteError}.
 */
import * as asyncioErrors from "../../asyncio/errors.ts";
import { ClosedError, QueueFullError, TimeoutError, UnsupportedError } from "../../base/errors.ts";
import { DeadlockError, HotSwapException, MonitorException, NoReplyError } from "../../coroutine/errors.ts";
import { EOFError, MessageTooLargeError } from "../../io/errors.ts";
import { ChannelClosedError, QueueClosedError } from "../../messages/errors.ts";
import { SupervisionError } from "../../supervision/errors.ts";
import { DatabaseError, WorkerError } from "../../workers/errors.ts";
import * as errors from "../errors.ts";

type ErrorClass = { readonly name: string; readonly prototype: Error };

const OURS: readonly ErrorClass[] = [
  ChannelClosedError,
  ClosedError,
  DatabaseError,
  DeadlockError,
  EOFError,
  HotSwapException,
  MessageTooLargeError,
  MonitorException,
  NoReplyError,
  QueueClosedError,
  QueueFullError,
  SupervisionError,
  TimeoutError,
  UnsupportedError,
  WorkerError,
  ...Object.values(asyncioErrors),
  ...Object.values(errors),
];

const BUILT_IN: readonly (ErrorClass | undefined)[] = [
  Error,
  AggregateError,
  EvalError,
  RangeError,
  ReferenceError,
  (globalThis as { SuppressedError?: ErrorClass }).SuppressedError,
  SyntaxError,
  TypeError,
  URIError,
];

/** Those of Deno, such as `NotFound`. */
const DENO: Readonly<Record<string, ErrorClass>> =
  (globalThis as { Deno?: { errors?: Record<string, ErrorClass> } }).Deno?.errors ?? {};

const prototypes = new Map<string, Error>();
for (const known of [...Object.values(DENO), ...BUILT_IN, ...OURS]) {
  if (known !== undefined) prototypes.set(known.name, known.prototype);
}

/** Has errors of a class be made again, by its name. For rooms above this one. */
export function addErrorClass(Class: ErrorClass): void {
  prototypes.set(Class.name, Class.prototype);
}

/** Properties that are not enumerable and sent all the same, each with the class that has it; `cause` is any's. */
const HIDDEN: Readonly<Record<string, string>> = {
  cause: "",
  errors: "AggregateError",
  error: "SuppressedError",
  suppressed: "SuppressedError",
};
/** Properties that are sent by themselves. */
const APART: readonly string[] = ["name", "message", "stack"];

/** What is sent of an error besides its properties. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Returns the texts of an error; what is of another type is left out. */
export function textOf(error: Error): ErrorText {
  const { name, message, stack } = error as unknown as Record<string, unknown>;
  return {
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : "",
    stack: typeof stack === "string" ? stack : undefined,
  };
}

/** Returns the names of the properties of an error that are sent. */
export function sentProperties(error: Error): string[] {
  const own = Object.keys(error).filter((key) => !APART.includes(key));
  for (const key of Object.keys(HIDDEN)) if (Object.hasOwn(error, key) && !own.includes(key)) own.push(key);
  return own;
}

/** Whether an error is made from its name by `DOMException`. */
export function isDOMException(error: Error): boolean {
  return typeof DOMException === "function" && error instanceof DOMException;
}

/** Makes an error without its properties. */
export function makeError({ name, message, stack }: ErrorText): Error {
  const error = new Error(message);
  Object.setPrototypeOf(error, prototypes.get(name) ?? errors.RemoteError.prototype);
  define(error, "stack", stack ?? `${name}: ${message}`, false);
  if (error.name !== name) define(error, "name", name, true);
  return error;
}

/** Makes a `DOMException` without its properties. */
export function makeDOMException({ name, message, stack }: ErrorText): Error {
  const error = new DOMException(message, name);
  if (stack !== undefined) define(error, "stack", stack, false);
  return error;
}

/** Gives an error one of its properties. */
export function setErrorProperty(error: Error, key: string, value: unknown): void {
  const hidden = Object.hasOwn(HIDDEN, key) && (HIDDEN[key] === "" || HIDDEN[key] === error.name);
  define(error, key, value, !hidden);
}

function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}

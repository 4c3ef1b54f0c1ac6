/** The functions that may be run in a worker, and how they are sent there. */
import { describe } from "../../base/describe.ts";
import type { TargetNote } from "../remote/protocol.ts";
import type { WorkerTask } from "../remote/worker_task.ts";

/**
 * A function of a module: `{ module: new URL("./work.ts", import.meta.url), name: "work" }`.
 *
 * The worker imports the module once. Without a name, the function is the default export.
 */
export interface ModuleTarget {
  /** The absolute URL of the module, or a specifier with a scheme such as `npm:`. */
  readonly module: URL | string;
  /** The name of the export; `"default"` if left out. */
  readonly name?: string;
}

/**
 * A self-contained function: its source is sent, so it must not use variables of the scopes around it.
 *
 * It may be async, and a generator function for {@linkcode WorkerPool.stream}. Unless it is an arrow function its
 * `this` is a {@linkcode WorkerTask}.
 */
// deno-lint-ignore no-explicit-any -- inferred from the function
export type TaskFunction<A extends readonly any[], R> = (this: WorkerTask, ...args: A) => R;

/** A target that is registered in the pool. */
export interface Target {
  readonly id: number;
  readonly note: TargetNote;
  /** Its name in error messages. */
  readonly label: string;
}

// The source of a program has a bounded number of functions, but a program may also create functions from text.
const MAX_TARGETS = 1000;

const EXPRESSION = /^(?:async\b\s*)?(?:function\b|\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u;

/** The targets of a pool, each of which is sent to a worker only once. */
export class Targets {
  #byFunction: WeakMap<object, Target> = new WeakMap();
  #byText: Map<string, Target> = new Map();
  #lastId = 0;
  readonly #forget: (id: number) => void;

  /** `forget` is called with the id of a target that was dropped because there are too many. */
  constructor(forget: (id: number) => void) {
    this.#forget = forget;
  }

  /** The target for the argument of a caller. Throws a `TypeError` if it is not one. */
  of(target: unknown): Target {
    if (typeof target === "function") {
      const known = this.#byFunction.get(target);
      if (known !== undefined) return known;
      const note = functionNote(target as () => unknown);
      const created = this.#register(`function ${note.source}`, note, target.name === "" ? "function" : target.name);
      this.#byFunction.set(target, created);
      return created;
    }
    const note = moduleNote(target);
    return this.#register(`${note.name} of ${note.module}`, note, note.name);
  }

  #register(text: string, note: TargetNote, label: string): Target {
    let target = this.#byText.get(text);
    if (target === undefined) {
      target = { id: ++this.#lastId, note, label };
      this.#byText.set(text, target);
      if (this.#byText.size > MAX_TARGETS) this.#dropOldest();
    }
    return target;
  }

  #dropOldest(): void {
    const [[text, target]] = this.#byText;
    this.#byText.delete(text);
    // A function that is used again is registered again.
    this.#byFunction = new WeakMap();
    this.#forget(target.id);
  }
}

// deno-lint-ignore ban-types -- any function
function functionNote(target: Function): { source: string; method: boolean; name: string } {
  const source = Function.prototype.toString.call(target);
  const refuse = (why: string) =>
    new TypeError(
      `Cannot run a task as ${why}: current value is ${describe(target)}, ` +
        "pass a self-contained function or { module, name }",
    );
  if (/\{\s*\[native code\]\s*\}$/.test(source)) throw refuse("a bound or built-in function has no source to send");
  if (/^class\b/.test(source)) throw refuse("a class cannot be called");
  return { source, method: !EXPRESSION.test(source), name: target.name };
}

function moduleNote(target: unknown): { module: string; name: string } {
  const { module, name = "default" } = (typeof target === "object" && target !== null ? target : {}) as ModuleTarget;
  if (!(module instanceof URL) && typeof module !== "string") {
    throw new TypeError(
      `Cannot run a task as its target must be a function or { module, name }: current value is ${describe(target)}`,
    );
  }
  if (typeof name !== "string") {
    throw new TypeError(`Cannot run a task as 'name' must be a string: current value is ${describe(name)}`);
  }
  if (!URL.canParse(module)) {
    throw new TypeError(
      `Cannot run a task as 'module' must be an absolute URL: current value is ${describe(module)}, ` +
        `use new URL(${describe(module)}, import.meta.url)`,
    );
  }
  return { module: String(module), name };
}

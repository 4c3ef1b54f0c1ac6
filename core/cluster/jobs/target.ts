/** What a job may run, and how it is told to a server. */
import { describe } from "../../base/describe.ts";
import { isGeneratorFunction } from "../../base/generator.ts";
import type { CoroFunction } from "../../coroutine/coro.ts";
import { baseName, type JobFile } from "../nodes/files.ts";
import type { JobTarget } from "../protocol.ts";

/**
 * A coroutine function of a module: `{ module: "work.ts", name: "work" }`.
 *
 * Without a name, it is the default export.
 */
export interface ModuleTarget {
  /** The base name of one of the files of the computation, the path or URL of one, or the URL of any other module. */
  readonly module: string | URL;
  /** The name of the export; `"default"` if left out. */
  readonly name?: string;
}

/**
 * What a job runs: a generator function whose source is sent, so that it must not use anything of the scopes around it,
 * or an export of a module.
 */
// deno-lint-ignore no-explicit-any -- as in CoroFunction
export type Target<A extends readonly any[] = any[], R = any> = CoroFunction<A, R> | ModuleTarget;

/** A target as servers are told, and how it is called here. */
export interface CheckedTarget {
  readonly target: JobTarget;
  readonly name: string;
}

// A program has a bounded number of functions, so what was found out about each is kept with it.
const known: WeakMap<object, CheckedTarget> = new WeakMap();

/**
 * Checks a target.
 *
 * @throws {TypeError} If it is neither a generator function with a source nor a module with a name, or is a module of this
 * machine that is not among the files.
 */
export function checkTarget(target: unknown, files: readonly JobFile[]): CheckedTarget {
  if (typeof target !== "function") return moduleTarget(target, files);
  let checked = known.get(target);
  if (checked === undefined) known.set(target, checked = functionTarget(target as CoroFunction));
  return checked;
}

function functionTarget(target: CoroFunction): CheckedTarget {
  const source = Function.prototype.toString.call(target);
  if (!isGeneratorFunction(target)) throw refusal("it must be a generator function", target);
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    throw refusal("a bound or built-in function has no source to send", target);
  }
  const expression = /^function\b/.test(source) ? source : methodExpression(source);
  mustCompile(expression, target);
  return { target: { source: expression }, name: target.name === "" ? "anonymous" : target.name };
}

/** A method is no expression, but the only value of an object that has it. */
function methodExpression(source: string): string {
  return `Object.values({ ${source.replace(/^static\b/, "")} })[0]`;
}

function mustCompile(expression: string, target: unknown): void {
  try {
    new Function(`"use strict"; return (${expression});`);
  } catch (error) {
    // Where no code may be made of text, as in a worker of a CDN, servers find it out.
    if (error instanceof SyntaxError) throw refusal(`its source is not complete (${error.message})`, target);
  }
}

function moduleTarget(target: unknown, files: readonly JobFile[]): CheckedTarget {
  const { module, name = "default" } = (typeof target === "object" && target !== null ? target : {}) as ModuleTarget;
  if (!(module instanceof URL) && typeof module !== "string") {
    throw refusal("it must be a generator function or { module, name }", target);
  }
  if (typeof name !== "string" || name === "") throw refusal("'name' must be a string that is not empty", name);
  const label = name === "default" ? baseName(module) : name;
  const file = files.find((file) => file.name === module || plainPath(file.path) === plainPath(module));
  if (file !== undefined) return { target: { module: file.name, name }, name: label };
  const url = URL.canParse(String(module)) ? new URL(module) : null;
  if (url === null || url.protocol === "file:") {
    throw refusal("a module of this machine must be one of the 'files' of the computation", module);
  }
  return { target: { module: url.href, name }, name: label };
}

/** A path and the URL of the same file are the same. */
function plainPath(path: string | URL): string {
  const text = String(path);
  return text.startsWith("file:") ? decodeURIComponent(new URL(text).pathname) : text;
}

function refusal(reason: string, value: unknown): TypeError {
  return new TypeError(
    `Cannot run a job as ${reason}: current value is ${describe(value)}, ` +
      "pass a self-contained generator function or { module, name }",
  );
}

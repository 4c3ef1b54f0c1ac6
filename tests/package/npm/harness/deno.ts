/**
 * The part of the `Deno` namespace that the tests of the core use. It is imported, and not global, so that the package
 * does not detect Deno.
 */
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { memoryUsage } from "node:process";
import { inspect } from "node:util";
import { type Declared, declared } from "./declared.ts";
import { connect, listen } from "./net.ts";

/** Declares a test. */
function test(name: string, fn: Declared["fn"]): void {
  if (typeof name !== "string" || typeof fn !== "function") throw new TypeError("Cannot declare a test in this form");
  declared.push({ name, fn });
}

/** See the head of this file. */
export const Deno = {
  test,
  memoryUsage,
  inspect,
  // Without the class of Node.js, whose bytes are not equal to other arrays of them.
  readFile: async (file: URL): Promise<Uint8Array> => new Uint8Array(await readFile(file)),
  readTextFileSync: (file: URL): string => readFileSync(file, "utf8"),
  env: { get: (name: string): string | undefined => process.env[name] },
  permissions: { querySync: (): { state: string } => ({ state: "granted" }) },
  listen,
  connect,
};

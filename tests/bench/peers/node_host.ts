/** Node.js as the host of a contender, and what is like it. */
import process from "node:process";
import type { Host } from "./contender.ts";

/** The host. */
export const NODE: Host = {
  args: process.argv.slice(2),
  input: () => process.stdin.setEncoding("utf8"),
  exit: () => process.exit(),
};

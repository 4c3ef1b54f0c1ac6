/** The assertions of Deno's standard library, which on npm are JavaScript without types: `assert.d.ts` has those. */
// @ts-types="./assert.d.ts"
export * from "deno-std/assert/mod.js";

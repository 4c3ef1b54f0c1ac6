/** Does one work with so many coroutines, in a process of its own; prints nanoseconds per operation as JSON. */
import { WORKS } from "./works.ts";

const [name, argument] = Deno.args;
const work = WORKS[name];
const count = Number(argument);

// At least so much is done, and before it as much with few, so that the engine has compiled what is measured.
const OPERATIONS = 2_000_000;
await work(1_000, OPERATIONS);
(globalThis as unknown as { gc(): void }).gc();
console.log(JSON.stringify(await work(count, OPERATIONS)));

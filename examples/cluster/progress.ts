/**
 * A long computation that survives a node: digits of pi, in blocks. In the middle of it one of two nodes is killed as a
 * crash would; its jobs run again at the other. The bar on the terminal goes on.
 *
 *     deno run -A examples/cluster/progress.ts [ADDRESS OF A NODE ...]
 */
import { type Coro, main } from "@asyncoro/asyncoro";
import { Computation } from "@asyncoro/asyncoro/cluster";
import { withNodes } from "./nodes.ts";

const BLOCKS = 40;

/** Eight hexadecimal digits of pi from a place on, by the formula of Bailey, Borwein and Plouffe (1995). */
function* digits(_coro: Coro, place: number): Generator<unknown, string, unknown> {
  const power = (exponent: number, modulus: number): number => {
    let [result, base] = [1n, 16n % BigInt(modulus)];
    for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
      if (left % 2 === 1) result = result * base % BigInt(modulus);
      base = base * base % BigInt(modulus);
    }
    return Number(result);
  };
  const series = (j: number): number => {
    let sum = 0;
    for (let k = 0; k <= place; k++) sum = (sum + power(place - k, 8 * k + j) / (8 * k + j)) % 1;
    for (let k = place + 1; k < place + 20; k++) sum += 16 ** (place - k) / (8 * k + j);
    return sum;
  };
  const fraction = 4 * series(1) - 2 * series(4) - series(5) - series(6);
  let rest = fraction - Math.floor(fraction);
  let text = "";
  for (let i = 0; i < 8; i++) {
    rest *= 16;
    text += Math.floor(rest).toString(16);
    rest -= Math.floor(rest);
  }
  return text;
}

main(function* () {
  yield* withNodes(2, Deno.args, function* (network, nodes) {
    const computation = new Computation({ network, retries: 3 });
    const places = Array.from({ length: BLOCKS }, (_, i) => 8 * i);
    const blocks: string[] = [];
    let done = 0;
    for (const next of computation.results(digits, places, { progress: true })) {
      const { index, outcome } = yield* next;
      if (outcome.kind !== "return") throw new Error(`Block ${index} is missing`, { cause: outcome });
      blocks[index] = outcome.value as string;
      if (++done === BLOCKS / 2) nodes[0]?.kill();
    }
    console.log(`3.${blocks.slice(0, 4).join("")}...`);
    console.log(`${blocks.length} blocks, in spite of a node that was killed`);
    yield* computation.close();
  });
});

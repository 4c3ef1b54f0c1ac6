/**
 * The Mandelbrot set, row by row on all servers of a cluster, written as a PPM picture (which any viewer or `pnmtopng`
 * takes). Rows arrive as they are computed, by whichever server is free.
 *
 *     deno run -A examples/cluster/mandelbrot.ts [--file PICTURE.ppm] [--width PIXELS] [ADDRESS OF A NODE ...]
 */
import { type Coro, main } from "@asyncoro/asyncoro";
import { Computation } from "@asyncoro/asyncoro/cluster";
import { parseArgs } from "node:util";
import { withNodes } from "./nodes.ts";

const { values, positionals } = parseArgs({
  options: { file: { type: "string" }, width: { type: "string", default: "120" } },
  allowPositionals: true,
});
const width = Number(values.width);
const height = Math.round(width * 2 / 3);

/** A row of pixels: three bytes each. */
function* row(_coro: Coro, y: number, width: number, height: number): Generator<unknown, Uint8Array, unknown> {
  const pixels = new Uint8Array(3 * width);
  const ci = (2 * y) / (height - 1) - 1;
  for (let x = 0; x < width; x++) {
    const cr = (3 * x) / (width - 1) - 2;
    let [zr, zi, steps] = [0, 0, 0];
    for (; steps < 255 && zr * zr + zi * zi < 4; steps++) [zr, zi] = [zr * zr - zi * zi + cr, 2 * zr * zi + ci];
    pixels.set([steps, (steps * 5) & 255, 255 - steps], 3 * x);
  }
  return pixels;
}

main(function* () {
  const picture = new Uint8Array(3 * width * height);
  const items = Array.from({ length: height }, (_, y): [number, number, number] => [y, width, height]);
  yield* withNodes(2, positionals, function* (network) {
    const computation = new Computation({ network, retries: 2 });
    for (const next of computation.results(row, items, { progress: true })) {
      const { index, outcome } = yield* next;
      if (outcome.kind !== "return") throw new Error(`Row ${index} is missing`, { cause: outcome });
      picture.set(outcome.value as Uint8Array, 3 * width * index);
    }
    yield* computation.close();
  });

  const inside = picture.reduce((sum, byte, i) => sum + (i % 3 === 0 && byte === 255 ? 1 : 0), 0);
  console.log(`${width} x ${height} pixels, ${inside} of them in the set`);
  for (let y = 0; y < height; y += Math.ceil(height / 12)) {
    let line = "";
    for (let x = 0; x < width; x += Math.ceil(width / 40)) {
      line += " .:-=+*#%@"[Math.floor(picture[3 * (y * width + x)] / 25.6)];
    }
    console.log(line.trimEnd());
  }
  if (values.file !== undefined) {
    const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
    Deno.writeFileSync(values.file, new Uint8Array([...header, ...picture]));
  }
});

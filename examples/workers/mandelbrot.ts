/**
 * The Mandelbrot set, row by row on all cores, written as a PPM picture (which any viewer or `pnmtopng` takes).
 *
 *     deno run -W examples/workers/mandelbrot.ts [file.ppm] [width]
 */
import { main } from "@asyncoro/asyncoro";
import { WorkerPool } from "@asyncoro/asyncoro/workers";

const [file, columns = "120"] = Deno.args;
const width = Number(columns);
const height = Math.round(width * 2 / 3);

/** A row of pixels: three bytes each. Self-contained, as its source is sent to the workers. */
function row({ y, width, height }: { y: number; width: number; height: number }): Uint8Array {
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
  using pool = new WorkerPool();
  const rows = Array.from({ length: height }, (_, y) => ({ y, width, height }));
  const picture = yield* pool.map(rows, row);

  const inside = picture.reduce(
    (sum, pixels) => sum + pixels.filter((byte, i) => i % 3 === 0 && byte === 255).length,
    0,
  );
  console.log(`${width} x ${height} pixels, ${inside} of them in the set`);
  for (let y = 0; y < height; y += Math.ceil(height / 12)) {
    let line = "";
    for (let x = 0; x < width; x += Math.ceil(width / 40)) line += " .:-=+*#%@"[Math.floor(picture[y][3 * x] / 25.6)];
    console.log(line.trimEnd());
  }
  if (file !== undefined) {
    const header = new TextEncoder().encode(`P6\n${width} ${height}\n255\n`);
    Deno.writeFileSync(file, joined([header, ...picture]));
  }
});

/** Concatenates byte arrays. */
function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

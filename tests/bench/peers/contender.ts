/**
 * What a contender does in its process: it is given the name of a work, then an amount a line; for each it does the work
 * and prints a line of JSON, with the nanoseconds it took in all and its answer. A server prints its port and serves.
 */

/** A work: does so many operations, and answers what they came to. */
export type Work = (amount: number) => number | Promise<number>;

/** Works by their names. */
export type Works = Readonly<Record<string, Work>>;

/** Begins to serve, and answers its port. */
export type Echo = () => number | Promise<number>;

/** What one line asked for came to. */
export interface Result {
  readonly ns: number;
  readonly answer: number;
}

/** Obeys the lines of standard input, to its end. */
export async function obey(works: Works, echo?: Echo): Promise<void> {
  const [name] = Deno.args;
  if (name === "echo") {
    if (echo === undefined) throw new RangeError("Cannot serve as this contender has no sockets");
    console.log(JSON.stringify({ port: await echo() }));
    for await (const _ of Deno.stdin.readable);
    Deno.exit();
  }
  const work = works[name];
  if (work === undefined) throw new RangeError(`Cannot do "${name}": works are ${Object.keys(works).join(", ")}`);
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) console.log(JSON.stringify(await timed(work, Number(line))));
  }
}

async function timed(work: Work, amount: number): Promise<Result> {
  const start = performance.now();
  const answer = await work(amount);
  return { ns: (performance.now() - start) * 1e6, answer };
}

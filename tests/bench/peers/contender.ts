/**
 * A contender's process. Its argument is the name of a work. For each line of input, an amount, it does the work and
 * prints a line of JSON with the nanoseconds that it took in all and its result. A server prints its port and serves.
 */

/** A work: does so many operations, and returns their result. */
export type Work = (amount: number) => number | Promise<number>;

/** Works by their names. */
export type Works = Readonly<Record<string, Work>>;

/** Begins to serve, and returns its port. */
export type Echo = () => number | Promise<number>;

/** The result of one line of input. */
export interface Result {
  readonly ns: number;
  readonly answer: number;
}

/** What a process needs of its host. */
export interface Host {
  readonly args: readonly string[];
  /** Standard input, in pieces of any length. */
  readonly input: () => AsyncIterable<string>;
  readonly exit: () => void;
}

const ON_DENO = (): Host => ({
  args: Deno.args,
  input: () => Deno.stdin.readable.pipeThrough(new TextDecoderStream()),
  exit: () => Deno.exit(),
});

/** Executes the lines of standard input, to its end. */
export async function runWorks(works: Works, echo?: Echo, { args, input, exit } = ON_DENO()): Promise<void> {
  const [name] = args;
  if (name === "echo") {
    if (echo === undefined) throw new RangeError("Cannot serve as this contender has no sockets");
    console.log(JSON.stringify({ port: await echo() }));
    for await (const _ of input());
    return exit();
  }
  const work = works[name];
  if (work === undefined) throw new RangeError(`Cannot do "${name}": works are ${Object.keys(works).join(", ")}`);
  let rest = "";
  for await (const text of input()) {
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

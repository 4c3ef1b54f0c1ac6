import { sleep } from "../../operations/sleep.ts";
import type { Operation } from "../../fiber/operation.ts";
import type { Readable } from "../stream/read.ts";
import { ReadLine } from "../stream/read_line.ts";
import { type BoundedReadOptions, maxOf } from "../wait/io_options.ts";

/**
 * Waits for the next line of a file that another program writes, as `tail -f` does. The line counts when its line end
 * has been written.
 *
 * @param limit The limit of each read; its `max` is the limit of the line.
 * @param interval Seconds between two looks at the end of the file.
 * @param restartIfTruncated Goes back to the beginning of the file if it has become shorter.
 */
export function* followLine(
  file: Readable,
  limit: BoundedReadOptions,
  interval: number,
  restartIfTruncated: () => Operation<void>,
): Generator<unknown, string, unknown> {
  for (;;) {
    const line = yield* new ReadLine(file, maxOf(limit, Infinity, "read a line"), limit, true);
    if (line !== null) return line;
    yield* sleep(interval);
    yield* restartIfTruncated();
  }
}

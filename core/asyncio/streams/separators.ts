import { type Data, toBytes } from "../../io/stream/bytes.ts";

/** The separators of lines. */
export const LINE_FEEDS: readonly Uint8Array[] = [new Uint8Array([10])];

/**
 * The separators as bytes, shortest first.
 *
 * @throws {TypeError} If one is neither bytes nor text.
 * @throws {RangeError} If there is none, or one is empty.
 */
export function checkSeparators(separator: Data | readonly Data[]): readonly Uint8Array[] {
  const list = (Array.isArray(separator) ? separator : [separator]).map((each) =>
    toBytes(each, "read up to a separator")
  );
  list.sort((a, b) => a.length - b.length);
  if (list.length > 0 && list[0].length > 0) return list;
  const what = list.length === 0 ? "there is none" : "one is empty";
  throw new RangeError(`Cannot read up to a separator as ${what}: give at least one, of at least one byte`);
}

// The values of a record, see below.
const FIELDS = 3;
const NONE = -1;

/**
 * What has happened in a simulation. Few traces are read, so the lines are only made when somebody asks for them.
 *
 * A record is a time, what happened, and the bytes it is about; `NONE` if it is not about bytes.
 */
export class Trace {
  readonly #records: (number | string)[] = [];

  /** Adds a record. */
  add(time: number, what: string, bytes: number = NONE): void {
    this.#records.push(time, what, bytes);
  }

  /** The records as text: `0.012345 a > b #1 writes 57 bytes`. */
  lines(): string[] {
    const records = this.#records;
    const lines: string[] = [];
    for (let i = 0; i < records.length; i += FIELDS) {
      const bytes = records[i + 2] as number;
      lines.push(`${(records[i] as number).toFixed(6)} ${records[i + 1]}${bytes === NONE ? "" : ` ${bytes} bytes`}`);
    }
    return lines;
  }
}

/** The last line of a terminal, which shows what goes on, while other lines pass above it. */
import { type LineSink, writeToStderr } from "./forward_lines.ts";

/** Goes to the beginning of the line and clears it. */
const CLEAR = "\r\x1b[K";

/** The width where none is known. */
const DEFAULT_WIDTH = 80;

/** See the head of this file. Where there is no terminal, what goes on is one line each time that it changes. */
export class StatusLine {
  /** Whether there is a terminal. */
  readonly isTerminal: boolean = Deno.stderr.isTerminal();
  #text = "";

  /** Shows what goes on now. */
  show(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    void writeToStderr(this.isTerminal ? this.#line() : `${text}\n`).catch(ignore);
  }

  /** Writes a line above it. */
  readonly write: LineSink = (line) =>
    writeToStderr(this.isTerminal ? `${CLEAR}${line}\n${this.#line()}` : `${line}\n`);

  /** Removes it. */
  end(): Promise<void> {
    this.#text = "";
    return this.isTerminal ? writeToStderr(CLEAR) : Promise.resolve();
  }

  #line(): string {
    return CLEAR + this.#text.slice(0, width() - 1);
  }
}

function width(): number {
  try {
    // A terminal that does not know its size says 0.
    return Deno.consoleSize().columns || DEFAULT_WIDTH;
  } catch {
    // Standard output and input are no terminals.
    return DEFAULT_WIDTH;
  }
}

function ignore(): void {}

/** A bar on the terminal that shows how far a run is. */

/** Milliseconds between two drawings. */
const PERIOD = 100;
/** How many characters the bar has. */
const WIDTH = 30;

/** What a bar is drawn on. */
export interface Terminal {
  /** Whether it is one; a file or a pipe is not. */
  isTerminal(): boolean;
  write(text: string): void;
}

/** Draws how many of how many are done. `isOver`: for the last time. */
export type Progress = (done: number, total: number, isOver: boolean) => void;

/** A bar on a terminal, that of stderr by default. On anything else it draws nothing. */
export function progressBar(label: string, terminal: Terminal = stderr(), now: () => number = Date.now): Progress {
  if (!terminal.isTerminal()) return () => {};
  let drawnAt = -Infinity;
  return (done, total, isOver) => {
    if (!isOver && now() - drawnAt < PERIOD) return;
    drawnAt = now();
    terminal.write(`\r${bar(label, done, total)}\x1b[K${isOver ? "\n" : ""}`);
  };
}

/** One line: the label, a bar, the numbers. */
export function bar(label: string, done: number, total: number): string {
  const filled = total > 0 ? Math.floor(WIDTH * Math.min(1, done / total)) : 0;
  return `${label} [${"#".repeat(filled)}${" ".repeat(WIDTH - filled)}] ${done}/${total}`;
}

function stderr(): Terminal {
  const stream = (globalThis as { Deno?: typeof Deno }).Deno?.stderr;
  const encoder = new TextEncoder();
  return {
    isTerminal: () => stream?.isTerminal() ?? false,
    write: (text) => void stream?.writeSync(encoder.encode(text)),
  };
}

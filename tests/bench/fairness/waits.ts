/** What waits beside a load, in plain async code, and how its lateness is noted. */

/** Milliseconds by which waits were late; for what takes no time by itself, how long they took. */
export type Late = number[];

/** What is sent and comes back. */
export const MESSAGE: Uint8Array<ArrayBuffer> = new Uint8Array(64);

/** Whole milliseconds, at random so that nothing falls into step with the load. */
export function delay(): number {
  return 2 + Math.floor(Math.random() * 10);
}

/** How late it is, for something that began at `start` and was to take so many milliseconds. */
export function lateBy(start: number, wanted = 0): number {
  return performance.now() - start - wanted;
}

/** A promise of the host's timer. */
export function timer(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `setTimeout`, over and over. */
export async function tick(going: () => boolean, late: Late): Promise<void> {
  while (going()) {
    const wait = delay();
    const start = performance.now();
    await timer(wait);
    late.push(lateBy(start, wait));
  }
}

/** Round trips over a connection to an echo server. */
export async function talk(going: () => boolean, late: Late, connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(MESSAGE.length);
  while (going()) {
    const start = performance.now();
    await connection.write(MESSAGE);
    // A message of this size comes in one piece over loopback.
    await connection.read(buffer);
    late.push(lateBy(start));
    await timer(delay());
  }
}

/** Requests to an HTTP server. */
export async function request(going: () => boolean, late: Late, url: string): Promise<void> {
  while (going()) {
    const start = performance.now();
    const response = await fetch(url);
    await response.text();
    late.push(lateBy(start));
    await timer(delay());
  }
}

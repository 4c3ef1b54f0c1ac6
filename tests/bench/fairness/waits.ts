/** The waits beside a load, in plain async code, and how their lateness is recorded. */

/** Milliseconds by which waits were late; for requests, how long they took. */
export type Late = number[];

/** Sends a request to the server and returns the reply. */
export const REQUEST: Uint8Array<ArrayBuffer> = new Uint8Array(1);

/** The length of a reply. */
export const ANSWER_BYTES = 8;

/** The time by a clock that processes share, as bytes. */
export function stamp(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Float64Array.of(performance.timeOrigin + performance.now()).buffer);
}

/** How long ago the reply was sent. */
export function since(answer: Uint8Array): number {
  const sent = new DataView(answer.buffer, answer.byteOffset).getFloat64(0, true);
  return performance.timeOrigin + performance.now() - sent;
}

/** Whole milliseconds, at random so that nothing is in step with the load. */
export function delay(): number {
  return 2 + Math.floor(Math.random() * 10);
}

/** How late it is, for a wait that began at `start` and was to take so many milliseconds. */
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

/** Sends requests whose replies come a little later: then the host has to poll for them. */
export async function talk(going: () => boolean, late: Late, connection: Deno.Conn): Promise<void> {
  const answer = new Uint8Array(ANSWER_BYTES);
  while (going()) {
    await connection.write(REQUEST);
    // So few bytes arrive in one piece over loopback.
    await connection.read(answer);
    late.push(since(answer));
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

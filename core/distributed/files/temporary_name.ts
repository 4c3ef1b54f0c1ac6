/**
 * The names of files that are being received: `.asyncoro-<id of the joining>-<number>.part`. Peers may not use such names,
 * and what a joining has left behind that was ended by force is found by them.
 */
const SHAPE = /^\.asyncoro-([0-9a-f]{32})-\d+\.part$/i;

/** A name that this joining has not used before. */
export function temporaryName(joining: string, number: number): string {
  return `.asyncoro-${joining}-${number}.part`;
}

/** The joining that has made a file of this name; `null` if the name is another. */
export function makerOf(name: string): string | null {
  return SHAPE.exec(name)?.[1] ?? null;
}

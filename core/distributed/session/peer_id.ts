/** The id of a joining: 16 random bytes, and as text, which orders and finds it. */
import { ID_BYTES } from "./handshake_frames.ts";

/** The digits of each byte. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** See the head of this file. */
export class PeerId {
  /** The bytes. */
  readonly bytes: Uint8Array;
  /** The bytes as hexadecimal digits. */
  readonly text: string;

  /** @throws {RangeError} If it has not 16 bytes. */
  constructor(bytes: Uint8Array) {
    if (bytes.length !== ID_BYTES) {
      throw new RangeError(`Cannot make an id as it needs ${ID_BYTES} bytes: current value has ${bytes.length}`);
    }
    this.bytes = bytes.slice();
    let text = "";
    for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]];
    this.text = text;
  }

  /** The id of a text; `null` if it is not one. */
  static parse(text: string): PeerId | null {
    if (!/^[0-9a-f]{32}$/.test(text)) return null;
    return new PeerId(Uint8Array.from({ length: ID_BYTES }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16)));
  }

  /** Whether both are the same joining. */
  equals(other: PeerId): boolean {
    return this.text === other.text;
  }

  /** Whether this id is the lower of the two. When both dial, the link of the lower id stays. */
  isLowerThan(other: PeerId): boolean {
    return this.text < other.text;
  }
}

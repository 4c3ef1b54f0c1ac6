import { assertEquals, assertThrows } from "@std/assert";
import { MalformedFrameError } from "../../../core/distributed/session/frame.ts";
import { FrameOpener, FrameSealer, SEAL_BYTES } from "../../../core/distributed/session/frame_seal.ts";
import { encodeBye } from "../../../core/distributed/session/session_frames.ts";
import { hmacSha256 } from "./cryptography.ts";

const key = new Uint8Array(32).fill(1);

function sealed(sealer: FrameSealer, ack = 3): Uint8Array {
  const frame = encodeBye({ ack, reason: "left" }, SEAL_BYTES);
  sealer.seal(frame);
  return frame;
}

Deno.test("a sealed frame opens once, and frames may be missing", () => {
  const sealer = new FrameSealer(key, hmacSha256);
  const opener = new FrameOpener(key, hmacSha256);
  const [first, second, third] = [sealed(sealer), sealed(sealer), sealed(sealer)];
  assertEquals(opener.open(first).length, first.length - SEAL_BYTES);
  opener.open(third);
  for (const replayed of [first, second, third]) {
    assertThrows(() => opener.open(replayed), MalformedFrameError, "come before");
  }
});

Deno.test("a seal covers every bit of the frame, and belongs to one key", () => {
  const frame = sealed(new FrameSealer(key, hmacSha256));
  for (let bit = 0; bit < 8 * frame.length; bit++) {
    const changed = frame.slice();
    changed[bit >> 3] ^= 1 << (bit & 7);
    assertThrows(() => new FrameOpener(key, hmacSha256).open(changed), MalformedFrameError);
  }
  assertThrows(() => new FrameOpener(new Uint8Array(32), hmacSha256).open(frame), MalformedFrameError, "wrong MAC");
  new FrameOpener(key, hmacSha256).open(frame);
});

Deno.test("a frame that is too short for a seal is malformed", () => {
  for (let length = 5; length < 5 + SEAL_BYTES; length++) {
    assertThrows(() => new FrameOpener(key, hmacSha256).open(new Uint8Array(length)), MalformedFrameError, "no seal");
  }
});

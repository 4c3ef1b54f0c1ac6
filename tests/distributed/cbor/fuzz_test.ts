/** Random values and random bytes. `RUNS=1000000 deno test -A tests/distributed/cbor/fuzz_test.ts` tries more. */
import { DecodeError } from "../../../core/distributed/cbor/decode_error.ts";
import { decode } from "../../../core/distributed/cbor/decoder.ts";
import { encode } from "../../../core/distributed/cbor/encoder.ts";
import { SerializationError } from "../../../core/distributed/errors.ts";
import { runs } from "../../helpers/runs.ts";
import { type Dice, dice, RandomValues } from "./random_values.ts";
import { assertSame } from "./same.ts";

/** Runs a trial with each seed, and names the seed of one that fails. */
function trials(count: number, trial: (roll: Dice) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      trial(dice(seed));
    } catch (error) {
      throw new Error(`Seed ${seed} fails`, { cause: error });
    }
  }
}

/** Fails unless bytes are a value that can be sent again, or an error of the decoder. */
function decodeSafely(bytes: Uint8Array): void {
  let value;
  try {
    value = decode(bytes);
  } catch (error) {
    if (error instanceof DecodeError || error instanceof SerializationError) return;
    throw new Error(`Not the decoder's error, for ${bytes.toHex()}`, { cause: error });
  }
  // Not always the same: properties of an error may take the place of its texts.
  decode(encode(value));
}

/** Changes bytes in a few places. */
function mutate(bytes: Uint8Array, roll: Dice): Uint8Array {
  const mutated = [...bytes];
  for (let changes = 1 + roll(4); changes > 0; changes--) {
    const at = roll(mutated.length + 1);
    switch (roll(5)) {
      case 0:
        mutated[at] = roll(256);
        break;
      case 1:
        mutated[at] ^= 1 << roll(8);
        break;
      case 2:
        mutated.splice(at, 1 + roll(3));
        break;
      case 3:
        mutated.splice(at, 0, ...HEADS[roll(HEADS.length)]);
        break;
      case 4:
        mutated.splice(at, 0, ...mutated.slice(roll(mutated.length + 1), roll(mutated.length + 1)));
    }
  }
  return Uint8Array.from(mutated);
}

/** Beginnings that mean something. */
const HEADS = [
  "d81c",
  "d81d00",
  "d81d01",
  "d81b",
  "d90102",
  "d90103",
  "d9c0c0f7",
  "d90111",
  "d9524a82",
  "9affffffff",
  "bf",
  "81",
  "a1",
  "c1",
  "c2",
  "d903e9a1",
  "d856",
  "5b0000000000000004",
  "fb",
  "f97e00",
]
  .map((hex) => Uint8Array.fromHex(hex));

Deno.test("random values arrive as they were sent", () => {
  trials(runs(20_000), (roll) => {
    const value = new RandomValues(roll).value();
    assertSame(decode(encode(value)), value);
  });
});

Deno.test("messages that were changed are read or refused", () => {
  let bytes = encode(null);
  trials(runs(100_000), (roll) => {
    if (roll(10) === 0) bytes = encode(new RandomValues(roll).value());
    if (bytes.length < 5000) decodeSafely(mutate(bytes, roll));
  });
});

Deno.test("random bytes are read or refused", () => {
  trials(runs(100_000), (roll) => {
    const bytes = Uint8Array.from({ length: roll(40) }, () => roll(256));
    if (bytes.length > 0 && roll(2)) bytes[0] = 0x80 + roll(0x5c);
    decodeSafely(bytes);
  });
});

/** What the decoder throws for bytes that the encoder does not write. */
import { ProtocolError } from "../errors.ts";

/**
 * Bytes are not a value as the codec writes it: they end too early, have a tag or count that is not allowed, or are
 * nested too deeply. Nothing more can be read from them.
 */
export class DecodeError extends ProtocolError {
  /** Always `"DecodeError"`. */
  override name = "DecodeError";
}

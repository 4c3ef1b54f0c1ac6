/** A channel was used after `close()`. */
export class ChannelClosedError extends Error {
  /** Always `"ChannelClosedError"`. */
  override name = "ChannelClosedError";
}

/** The first item of the answers to requests about channels. */
export const Answer = {
  /** It was done; what it has led to follows. */
  DONE: 0,
  /** The peer has refused the request, or could not read it. */
  REFUSED: 1,
  /** The channel is closed, or is not known. */
  CLOSED: 2,
} as const;

/** What a peer may ask of a coroutine. */
export const Control = {
  /** To go on from a sleep. */
  RESUME: 0,
  /** To have an error thrown in it. */
  THROW: 1,
  /** To end. */
  TERMINATE: 2,
} as const;

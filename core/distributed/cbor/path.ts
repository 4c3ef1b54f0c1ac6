/** Where in a value the encoder is, for the message of an error. */

/** What a container's step is into: how the key of the step reads. */
export const Step = { ITEM: 0, PROPERTY: 1, MAP_KEY: 2, MAP_VALUE: 3, SET_VALUE: 4, PACKED: 5 } as const;

/** One of {@linkcode Step}. */
export type Step = (typeof Step)[keyof typeof Step];

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** Returns a step as JavaScript writes it. What an instance was packed as has no step of its own. */
export function describeStep(step: Step, key: string | number): string {
  switch (step) {
    case Step.ITEM:
      return `[${key}]`;
    case Step.PROPERTY:
      return IDENTIFIER.test(String(key)) ? `.${key}` : `[${JSON.stringify(key)}]`;
    case Step.MAP_KEY:
      return `.keys()[${key}]`;
    case Step.MAP_VALUE:
    case Step.SET_VALUE:
      return `.values()[${key}]`;
    case Step.PACKED:
      return "";
  }
}

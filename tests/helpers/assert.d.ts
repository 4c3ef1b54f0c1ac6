/**
 * Types of the assertions of Deno's standard library. They do not narrow what was asserted, and an expected error is
 * `any`, so that a test can read its properties.
 */
// deno-lint-ignore-file no-explicit-any -- see above

type Class = abstract new (...args: any[]) => unknown;

/** What a failed assertion throws. */
export declare class AssertionError extends Error {}

export declare function assert(condition: unknown, message?: string): void;
export declare function assertFalse(condition: unknown, message?: string): void;
export declare function assertEquals(actual: unknown, expected: unknown, message?: string): void;
export declare function assertNotEquals(actual: unknown, expected: unknown, message?: string): void;
export declare function assertStrictEquals(actual: unknown, expected: unknown, message?: string): void;
export declare function assertNotStrictEquals(actual: unknown, expected: unknown, message?: string): void;
export declare function assertObjectMatch(actual: unknown, expected: unknown, message?: string): void;
export declare function assertArrayIncludes(actual: unknown, expected: unknown, message?: string): void;
export declare function assertExists(actual: unknown, message?: string): void;
export declare function assertInstanceOf(actual: unknown, expected: Class, message?: string): void;
export declare function assertNotInstanceOf(actual: unknown, expected: Class, message?: string): void;
export declare function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance?: number,
  message?: string,
): void;
export declare function assertGreater(actual: unknown, expected: unknown, message?: string): void;
export declare function assertGreaterOrEqual(actual: unknown, expected: unknown, message?: string): void;
export declare function assertLess(actual: unknown, expected: unknown, message?: string): void;
export declare function assertLessOrEqual(actual: unknown, expected: unknown, message?: string): void;
export declare function assertMatch(actual: string, expected: RegExp, message?: string): void;
export declare function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
export declare function assertStringIncludes(actual: string, expected: string, message?: string): void;
export declare function assertIsError(error: unknown, type?: Class, includes?: string | RegExp, message?: string): void;
export declare function assertThrows(action: () => unknown, type?: Class, includes?: string, message?: string): any;
export declare function assertThrows(action: () => unknown, message?: string): any;
export declare function assertRejects(
  action: () => unknown,
  type?: Class,
  includes?: string,
  message?: string,
): Promise<any>;
export declare function assertRejects(action: () => unknown, message?: string): Promise<any>;
export declare function equal(actual: unknown, expected: unknown): boolean;
export declare function fail(message?: string): never;
export declare function unimplemented(message?: string): never;
export declare function unreachable(): never;

/**
 * A JSON parser with helpful errors: every error has its line and column, and a duplicate key is an error.
 *
 * `JSON.parse` silently takes the last of two equal keys, and does not always say where it failed.
 */

const NUMBER_OR_WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
// deno-lint-ignore no-control-regex -- JSON strings have no control characters
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Parses a JSON text.
 *
 * @throws {SyntaxError} With line and column, if it is not JSON or an object has the same key twice.
 */
export function parseJson(text: string): unknown {
  return new Parser(text).document();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value();
    if (this.#peek() !== "") this.#fail("Expected the end of the text");
    return value;
  }

  #value(): unknown {
    const first = this.#peek();
    if (first === "{") return this.#object();
    if (first === "[") return this.#array();
    if (first === '"') return this.#string("a string");
    return JSON.parse(this.#match(NUMBER_OR_WORD, "a value"));
  }

  #object(): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    this.#list("}", () => {
      this.#peek();
      const start = this.#at;
      const key = this.#string("a key in double quotes");
      if (entries.has(key)) this.#fail(`The key "${key}" is there twice`, start);
      if (this.#peek() !== ":") this.#fail('Expected ":"');
      this.#at++;
      entries.set(key, this.#value());
    });
    return Object.fromEntries(entries);
  }

  #array(): unknown[] {
    const items: unknown[] = [];
    this.#list("]", () => items.push(this.#value()));
    return items;
  }

  #list(end: string, item: () => void): void {
    this.#at++;
    if (this.#peek() === end) return void this.#at++;
    for (;;) {
      item();
      const next = this.#peek();
      if (next !== "," && next !== end) this.#fail(`Expected "," or "${end}"`);
      this.#at++;
      if (next === end) return;
    }
  }

  #string(what: string): string {
    return JSON.parse(this.#match(STRING, what));
  }

  /** Skips spaces and returns the next character; "" at the end. */
  #peek(): string {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)![0].length;
    return this.#text.charAt(this.#at);
  }

  #match(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? this.#fail(`Expected ${what}`);
    this.#at += found.length;
    return found;
  }

  #fail(problem: string, at = this.#at): never {
    const before = this.#text.slice(0, at).split("\n");
    throw new SyntaxError(`line ${before.length}, column ${before.at(-1)!.length + 1}: ${problem}`);
  }
}

/**
 * Finds the parameters and the verb of an SQL statement, which `node:sqlite` does not report.
 *
 * The text is split as SQLite's tokenizer does it (tokenize.c): strings, quoted names and comments contain no
 * parameters, and a statement ends with its first semicolon. The body of a trigger has semicolons too, but no
 * parameters.
 */

/** See the head of this file. */
export interface SqlStatement {
  /** The parameters as written, by number: `:name`, `?1`; `null` for a plain `?` and for a number left out. */
  readonly parameters: readonly (string | null)[];
  /** The first keyword, in capitals; after `WITH`, that of the main statement. */
  readonly verb: string;
  /** Whether there are only comments and semicolons. */
  readonly empty: boolean;
}

// The beginnings of tokens that matter. A word is matched whole, so that no part of it begins a token.
const PIECE =
  /--|\/\*|\?\d*|[:@#$](?:::|[\w$\u0080-\uffff])*(?:\([^\t-\r )]*\))?|[\w\u0080-\ufefe\uff00-\uffff][\w$\u0080-\uffff]*|[^\t\n\f\r \ufeff]/g;

// SQLite allows fewer, and refuses such a statement.
const MAX_PARAMETERS = 1_000_000;

const CHANGES = new Set(["INSERT", "REPLACE", "UPDATE", "DELETE"]);

/** Whether a statement changes rows. */
export function isChange({ verb }: SqlStatement): boolean {
  return CHANGES.has(verb);
}

/** Parses the first statement of a text. */
export function sqlStatement(sql: string): SqlStatement {
  const parameters = new ParameterList();
  const verb = new Verb();
  let empty = true;
  PIECE.lastIndex = 0;
  for (let found = PIECE.exec(sql); found !== null; found = PIECE.exec(sql)) {
    const piece = found[0];
    if (piece === "--") PIECE.lastIndex = behind(sql, "\n", PIECE.lastIndex);
    else if (piece === "/*") PIECE.lastIndex = behind(sql, "*/", PIECE.lastIndex);
    else if (piece !== ";") {
      empty = false;
      if ("'\"`[".includes(piece)) PIECE.lastIndex = behindQuote(sql, piece, PIECE.lastIndex);
      else if ("?:@#$".includes(piece[0])) parameters.add(piece);
      verb.look(piece);
    } else if (!empty) break;
  }
  return { parameters: parameters.names, verb: verb.word, empty };
}

function behind(sql: string, end: string, from: number): number {
  const at = sql.indexOf(end, from);
  return at < 0 ? sql.length : at + end.length;
}

/** The end of a string or of a quoted name; a quote within is doubled. */
function behindQuote(sql: string, quote: string, from: number): number {
  const end = quote === "[" ? "]" : quote;
  let at = behind(sql, end, from);
  while (end !== "]" && sql[at] === end) at = behind(sql, end, at + 1);
  return at;
}

/** Numbers parameters as SQLite does. */
class ParameterList {
  readonly names: (string | null)[] = [];
  readonly #known = new Set<string>();

  add(text: string): void {
    if (text === "?") this.names.push(null);
    else if (text[0] === "?") this.#addNumber(text);
    else if (!this.#known.has(text)) {
      this.#known.add(text);
      this.names.push(text);
    }
  }

  #addNumber(text: string): void {
    const number = Number(text.slice(1));
    if (number < 1 || number > MAX_PARAMETERS) return;
    while (this.names.length < number) this.names.push(null);
    this.names[number - 1] ??= text;
  }
}

/** Finds the verb of a statement. */
class Verb {
  word = "";
  #depth = 0;
  #closed = false;

  look(piece: string): void {
    if (this.word === "") this.word = piece.toUpperCase();
    if (this.word !== "WITH") return;
    // The main statement begins after the parentheses of the last common table expression.
    const closed = this.#closed;
    this.#closed = false;
    if (piece === "(") this.#depth++;
    else if (piece === ")") this.#closed = --this.#depth === 0;
    else if (closed && /^[a-z]+$/i.test(piece) && !/^as$/i.test(piece)) this.word = piece.toUpperCase();
  }
}

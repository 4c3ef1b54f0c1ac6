import { assertEquals } from "@std/assert";
import { sqlStatement } from "../../core/workers/database/sql_statement.ts";

function parametersOf(sql: string): readonly (string | null)[] {
  return sqlStatement(sql).parameters;
}

Deno.test("parameters are numbered as SQLite does it", () => {
  assertEquals(parametersOf("SELECT ?, ?"), [null, null]);
  assertEquals(parametersOf("SELECT :a, @a, $a, :a, ?"), [":a", "@a", "$a", null]);
  assertEquals(parametersOf("SELECT ?3, ?, ?1, ?4"), ["?1", null, "?3", "?4"]);
  assertEquals(parametersOf("SELECT :a, ?1"), [":a"]);
  assertEquals(parametersOf("SELECT $a::b::c(x,y), #n, :é, :1"), ["$a::b::c(x,y)", "#n", ":é", ":1"]);
  assertEquals(parametersOf("SELECT a$b, 1e5, x'3f', a.b FROM t WHERE x=?AND y=:y;"), [null, ":y"]);
});

Deno.test("strings, quoted names and comments contain no parameters", () => {
  const sql = `
    SELECT '?;', 'it''s ?', "a""?", [b?], \`c\`\`?\`, x'3f' -- ? :a ; ' "
    , ? /* ? ; ' " -- */, '--', '/*', 'last' || ? FROM [we;ird ?] WHERE "x;" = ':n' -- '`;
  assertEquals(parametersOf(sql), [null, null]);
  assertEquals(parametersOf("SELECT 'not ended ?"), []);
  assertEquals(parametersOf("SELECT ? /* not ended ?"), [null]);
});

Deno.test("a statement ends with its first semicolon; semicolons before it are skipped", () => {
  assertEquals(parametersOf(" ; /* ; */ ; SELECT ?; SELECT ?"), [null]);
  assertEquals(parametersOf("CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; SELECT ?; END"), []);
});

Deno.test("a text without a statement is empty", () => {
  for (const sql of ["", " \n\t", ";", " ; ;; ", "-- SELECT 1", "/* x */ -- y\n;", "/* not ended", "\ufeff"]) {
    assertEquals(sqlStatement(sql).empty, true, sql);
  }
  for (const sql of ["SELECT 1", ";;SELECT", ")", "?", "'x'", "-- x\nx", "\u00a0", "/**/ /"]) {
    assertEquals(sqlStatement(sql).empty, false, sql);
  }
});

Deno.test("the verb is that of the main statement, after common table expressions", () => {
  const verbs: Record<string, string> = {
    "": "",
    "/* x */ insert into t values (1)": "INSERT",
    "SELECT 1 UNION SELECT 2": "SELECT",
    "EXPLAIN INSERT INTO t VALUES (1)": "EXPLAIN",
    "WITH a AS (SELECT (1)) INSERT INTO t SELECT * FROM a": "INSERT",
    "WITH RECURSIVE a(x, y) AS NOT MATERIALIZED (SELECT ')'), b AS (SELECT 2) DELETE FROM t": "DELETE",
    'WITH "as" as (SELECT 1), replace AS (VALUES (1)) SELECT * FROM replace': "SELECT",
    "WITH a AS (SELECT 1) VALUES (1)": "VALUES",
    "PRAGMA user_version = 1": "PRAGMA",
  };
  for (const [sql, verb] of Object.entries(verbs)) assertEquals(sqlStatement(sql).verb, verb, sql);
});

Deno.test("a long text is scanned once", () => {
  const sql = `SELECT '${"x".repeat(1_000_000)}', ${"'' || ".repeat(100_000)} ?, ${"/**/".repeat(100_000)} ?`;
  assertEquals(parametersOf(sql), [null, null]);
});

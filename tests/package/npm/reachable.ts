/**
 * The part of a package's declarations that its entry points need.
 *
 * Names decide: a declaration is needed if a needed one contains its name. This may keep too many, but never too few.
 */
import ts from "typescript";
import { isInternal, parse } from "./strip_internal.ts";

/** A module of declarations, and the statements of it that are needed. */
interface Module {
  readonly source: ts.SourceFile;
  readonly needed: Set<ts.Statement | ts.ImportSpecifier>;
}

/** The needed declarations of the modules, by path. The entry points themselves stay as they are. */
export function reachableFrom(entries: readonly string[], texts: ReadonlyMap<string, string>): Map<string, string> {
  const modules = new Map<string, Module>();
  const open = (path: string): Module => {
    if (!modules.has(path)) modules.set(path, { source: parse(texts.get(path)!), needed: new Set() });
    return modules.get(path)!;
  };

  const needAll = (path: string): void => {
    for (const statement of open(path).source.statements) need(path, statement);
  };
  const needName = (path: string, name: string): void => {
    for (const statement of open(path).source.statements) {
      if (declares(statement, name)) need(path, statement);
      for (const specifier of specifiersOf(statement)) if (specifier.name.text === name) need(path, specifier);
    }
  };
  const need = (path: string, node: ts.Statement | ts.ImportSpecifier): void => {
    const { needed } = open(path);
    if (needed.has(node)) return;
    needed.add(node);
    if (ts.isImportSpecifier(node)) {
      const { moduleSpecifier } = node.parent.parent.parent;
      needName(resolve(path, moduleSpecifier), (node.propertyName ?? node.name).text);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const target = resolve(path, node.moduleSpecifier);
      if (node.exportClause === undefined) needAll(target);
      for (const name of exportedNames(node)) needName(target, name);
    } else if (!ts.isImportDeclaration(node)) {
      for (const name of namesIn(node)) needName(path, name);
    }
  };

  for (const entry of entries) needAll(entry);
  return new Map(
    [...modules].map(([path, module]) => [path, entries.includes(path) ? texts.get(path)! : print(module)]),
  );
}

function resolve(from: string, specifier: ts.Expression): string {
  const name = (specifier as ts.StringLiteral).text.replace(/\.js$/, ".d.ts");
  return new URL(name, new URL(from, "file:///")).pathname.slice(1);
}

function declares(statement: ts.Statement, name: string): boolean {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.some((each) => each.name.getText() === name);
  }
  if (ts.isExportDeclaration(statement)) {
    return statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause) &&
      statement.exportClause.elements.some((each) => each.name.text === name);
  }
  return (statement as ts.DeclarationStatement).name?.getText() === name;
}

function specifiersOf(statement: ts.Statement): readonly ts.ImportSpecifier[] {
  if (!ts.isImportDeclaration(statement)) return [];
  const bindings = statement.importClause?.namedBindings;
  return bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : [];
}

function exportedNames({ exportClause }: ts.ExportDeclaration): string[] {
  if (exportClause === undefined || !ts.isNamedExports(exportClause)) return [];
  return exportClause.elements.map((each) => (each.propertyName ?? each.name).text);
}

function namesIn(node: ts.Node): Set<string> {
  const names = new Set<string>();
  const visit = (each: ts.Node): void => {
    if (ts.isIdentifier(each)) names.add(each.text);
    ts.forEachChild(each, visit);
  };
  visit(node);
  return names;
}

function print({ source, needed }: Module): string {
  const parts = source.statements.map((statement) => {
    if (ts.isImportDeclaration(statement)) return printImport(statement, needed);
    return needed.has(statement) || isEmptyExport(statement) ? printStatement(statement, source) : "";
  });
  return parts.filter((part) => part !== "").join("\n") + "\n";
}

// It makes a module of a file that exports nothing else.
function isEmptyExport(statement: ts.Statement): boolean {
  return ts.isExportDeclaration(statement) && statement.moduleSpecifier === undefined;
}

function printImport(statement: ts.ImportDeclaration, needed: Module["needed"]): string {
  const names = specifiersOf(statement).filter((each) => needed.has(each)).map((each) => each.getText());
  if (names.length === 0) return "";
  const type = statement.importClause!.isTypeOnly ? "type " : "";
  return `import ${type}{ ${names.join(", ")} } from ${statement.moduleSpecifier.getText()};`;
}

// With its own comment: the one at the head of the file is about the implementation.
function printStatement(statement: ts.Statement, source: ts.SourceFile): string {
  const comment = ts.getLeadingCommentRanges(source.text, statement.getFullStart())?.at(-1);
  const start = comment === undefined || isInternal(statement) ? statement.getStart() : comment.pos;
  return source.text.slice(start, statement.getEnd());
}

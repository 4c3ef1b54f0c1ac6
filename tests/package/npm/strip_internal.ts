/**
 * Declarations without the members that are marked `@internal` or private.
 *
 * A class that loses one gets `#private` instead, as the compiler writes it for names with `#`: without any such member,
 * whatever has the same public methods would count as an instance of the class.
 */
import ts from "typescript";

/** A replacement in a text. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The declarations of a module without internal members. */
export function stripInternal(declarations: string): string {
  const source = parse(declarations);
  const edits: Edit[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isClassDeclaration(node)) edits.push(...stripClass(node, source));
    else if (ts.isInterfaceDeclaration(node)) edits.push(...node.members.filter(isInternal).map(removal));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return apply(edits, declarations);
}

/** A module of declarations as a syntax tree. */
export function parse(declarations: string): ts.SourceFile {
  return ts.createSourceFile("module.d.ts", declarations, ts.ScriptTarget.Latest, true);
}

/** Whether the comment of a node has the tag `@internal`. */
export function isInternal(node: ts.Node): boolean {
  return ts.getJSDocTags(node).some((tag) => tag.tagName.text === "internal");
}

function stripClass(node: ts.ClassDeclaration, source: ts.SourceFile): Edit[] {
  const hidden = node.members.filter((member) => isInternal(member) || isPrivate(member));
  if (hidden.length === 0) return [];
  // They promise members that may be gone. What a class implements does not change its type.
  const clauses = (node.heritageClauses ?? []).filter((clause) => clause.token === ts.SyntaxKind.ImplementsKeyword);
  const edits = clauses.map(removal);
  const isOpen = node.members.some((member) => ts.isConstructorDeclaration(member) && !hidden.includes(member));
  for (const member of hidden) {
    edits.push(ts.isConstructorDeclaration(member) && !isOpen ? closed(member) : removal(member));
  }
  if (!node.members.some((member) => member.name !== undefined && ts.isPrivateIdentifier(member.name))) {
    const start = source.text.indexOf("{", node.members.pos - 1) + 1;
    edits.push({ start, end: start, text: "\n    #private;" });
  }
  return edits;
}

function isPrivate(member: ts.ClassElement): boolean {
  return (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0;
}

function removal(node: ts.Node): Edit {
  return { start: node.getFullStart(), end: node.getEnd(), text: "" };
}

// Without a constructor, a class would have the public one of its base class, or one that takes no arguments.
function closed(constructor: ts.ConstructorDeclaration): Edit {
  const access = isPrivate(constructor) ? "private" : "protected";
  return { start: constructor.getFullStart(), end: constructor.getEnd(), text: `\n    ${access} constructor();` };
}

function apply(edits: readonly Edit[], text: string): string {
  let result = "";
  let position = 0;
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(position, start) + replacement;
    position = end;
  }
  return result + text.slice(position);
}

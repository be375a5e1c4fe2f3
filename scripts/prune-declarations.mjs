// Keeps only the declarations that the entries refer to. The rest cannot be imported, and would be a tenth of the package.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

/** Prunes the declarations below `folder` in place, and removes files that become empty. */
export function pruneDeclarations(folder, entries) {
  const files = readdirSync(folder, { recursive: true })
    .filter((name) => /\.d\.c?ts$/.test(name))
    .map((name) => path.resolve(folder, name));
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const kept = new Set();
  /** The imported names that kept statements use. */
  const imported = new Set();

  for (const entry of entries) {
    for (const statement of program.getSourceFile(path.resolve(entry)).statements) keep(statement);
  }
  for (const file of files) {
    const source = program.getSourceFile(file);
    const text = source.statements.map((statement) => textOf(statement)).join('');
    if (text === '') rmSync(file);
    else writeFileSync(file, `${text.trimStart()}\n`);
  }

  /** Keeps a statement and everything that it refers to. */
  function keep(statement) {
    const source = statement.getSourceFile();
    if (kept.has(statement) || !files.includes(path.resolve(source.fileName))) return;
    kept.add(statement);
    follow(statement);
    // Global declarations of a module are kept with it.
    for (const other of source.statements) if (ts.isModuleDeclaration(other)) keep(other);
  }

  function follow(node) {
    if (ts.isIdentifier(node)) {
      for (const declaration of checker.getSymbolAtLocation(node)?.declarations ?? [])
        keepDeclaration(declaration);
    }
    ts.forEachChild(node, follow);
  }

  function keepDeclaration(declaration) {
    if (
      ts.isImportSpecifier(declaration) ||
      ts.isImportClause(declaration) ||
      ts.isNamespaceImport(declaration)
    ) {
      imported.add(declaration);
    }
    const symbol = checker.getSymbolAtLocation(declaration.name ?? declaration);
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0) {
      for (const target of checker.getAliasedSymbol(symbol).declarations ?? []) keep(statementOf(target));
    } else keep(statementOf(declaration));
  }

  /** The kept part of a statement. */
  function textOf(statement) {
    const { text } = statement.getSourceFile();
    if (!ts.isImportDeclaration(statement))
      return kept.has(statement) ? text.slice(statement.pos, statement.end) : '';
    const { importClause, moduleSpecifier } = statement;
    const bindings = importClause?.namedBindings;
    if (importClause === undefined) return '';
    const names =
      bindings === undefined || ts.isNamespaceImport(bindings)
        ? []
        : bindings.elements.filter((name) => imported.has(name));
    const whole = [
      ...(importClause.name !== undefined && imported.has(importClause) ? [importClause.name.text] : []),
      ...(bindings !== undefined && ts.isNamespaceImport(bindings) && imported.has(bindings)
        ? [`* as ${bindings.name.text}`]
        : []),
      ...(names.length === 0 ? [] : [`{ ${names.map((name) => name.getText()).join(', ')} }`]),
    ];
    if (whole.length === 0) return '';
    return `\nimport ${importClause.isTypeOnly ? 'type ' : ''}${whole.join(', ')} from ${moduleSpecifier.getText()};`;
  }
}

function statementOf(node) {
  let statement = node;
  while (!ts.isSourceFile(statement) && !ts.isSourceFile(statement.parent)) statement = statement.parent;
  return statement;
}

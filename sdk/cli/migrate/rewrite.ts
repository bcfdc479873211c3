import { migrateConstructor } from './constructors.ts';
import {
  applied,
  ImportWriter,
  type ModuleDeclaration,
  moduleDeclarations,
  type Specifier,
  textOf,
} from './imports.ts';
import { type AddedImport, MemberMigration } from './members.ts';
import type { MemberChange, NameChange, NameTable } from './names.ts';
import { type Note, nameOf, Places, reportLate, sentenceOf } from './places.ts';
import { type Token, TokenError, tokensOf } from './tokens.ts';
import { isValueUse, placesOf, plainOf, useAt, usesOf } from './uses.ts';

export interface Migration {
  readonly text: string;
  readonly changes: readonly Note[];
  readonly left: readonly Note[];
}

/** A piece of a text that is TypeScript: all of it, or a block of a page. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  /** It is JavaScript, where no type is imported. */
  readonly isJavaScript?: boolean;
  /** Why it is not migrated, as a part of a sentence. */
  readonly refused?: string;
}

export interface Tables {
  readonly names: NameTable;
  readonly members: Readonly<Record<string, MemberChange>>;
  readonly firstArguments: Readonly<Record<string, readonly [text: string, what: string]>>;
}

/** A piece, taken apart. */
interface Parsed {
  readonly isJavaScript: boolean;
  readonly tokens: readonly Token[];
  readonly declarations: readonly ModuleDeclaration[];
  /** Tokens of imports and exports, which are no uses. */
  readonly declared: ReadonlySet<number>;
}

/**
 * Applies the tables to the pieces of a text. They share their names, as the blocks of one guide do. Lines are numbered
 * as in the text that was given, or in that which is answered.
 */
export function migrateText(
  text: string,
  pieces: readonly Piece[],
  tables: Tables,
  numbering: 'before' | 'after' = 'before',
): Migration {
  return new TextMigration(text, tables).run(pieces, numbering);
}

class TextMigration {
  private readonly places: Places;
  private readonly parsed: Parsed[] = [];

  constructor(
    private readonly text: string,
    private readonly tables: Tables,
  ) {
    this.places = new Places(text);
  }

  run(pieces: readonly Piece[], numbering: 'before' | 'after'): Migration {
    for (const piece of pieces) this.parse(piece);
    const renamed = this.renameUses();
    const imported = this.importedNames();
    const added = this.migrateMembers(imported);
    for (const { tokens, declarations, isJavaScript } of this.parsed) {
      const writer = new ImportWriter(this.text, tokens, declarations);
      for (const declaration of declarations) {
        const entry = this.entryOf(declaration);
        if (entry === undefined) {
          const plain = plainOf(declaration.module);
          if (plain !== textOf(declaration.module) && Object.hasOwn(this.tables.names, plain))
            this.leave(declaration.module, `this is '${plain}'. Write it without escapes, and migrate again.`);
          continue;
        }
        const specifiers = declaration.specifiers.map((one) =>
          this.migrate(one, entry, declaration, renamed, isJavaScript),
        );
        writer.place(declaration, specifiers);
        for (const { entry: other, name, beside } of added)
          if (declaration.specifiers.some((one) => one.local === beside)) writer.add(declaration, other, name);
        if (declaration.star && declaration.form === 'export')
          this.leave(
            declaration.module,
            `'export *' of '${entry}' hands on other names now. Name those that are needed.`,
          );
        if (declaration.form === 'import' && declaration.namespace !== undefined)
          this.reportNamespace(declaration.namespace.text, entry);
      }
      this.places.edits.push(...writer.edits());
      reportLate(tokens, this.tables.names, this.places);
    }
    for (const [name, local] of imported) this.addFirstArguments(name, local);
    const text = applied(this.text, this.places.edits);
    return { text, ...this.places.notes(numbering === 'after' ? text : undefined) };
  }

  private parse({ from, to, isJavaScript = false, refused }: Piece): void {
    try {
      if (refused !== undefined) throw new TokenError(from, refused);
      const tokens = tokensOf(this.text, from, to);
      const declarations = moduleDeclarations(tokens);
      const declared = new Set<number>();
      for (const { first, last } of declarations) for (let at = first; at <= last; at++) declared.add(at);
      this.parsed.push({ isJavaScript, tokens, declarations, declared });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      const code = this.text.slice(from, to);
      const isOurs = Object.entries(this.tables.names).some(([entry, rows]) =>
        [`['"]${entry}['"]`, ...Object.keys(rows).map((name) => `\\b${name}\\b`)].some((word) =>
          new RegExp(word).test(code),
        ),
      );
      if (isOurs)
        this.places.leaveAt(
          error.offset,
          `${error.message}, so that this code cannot be read. Mend it, and migrate again.`,
        );
    }
  }

  private entryOf({ module }: ModuleDeclaration): keyof NameTable | undefined {
    const name = textOf(module);
    return name !== undefined && Object.hasOwn(this.tables.names, name) ? (name as keyof NameTable) : undefined;
  }

  private changeOf(entry: keyof NameTable, name: string): NameChange | undefined {
    const rows = this.tables.names[entry];
    return rows !== undefined && Object.hasOwn(rows, name) ? rows[name] : undefined;
  }

  /** Renames the uses of every name that is imported as itself, where that is safe; answers old and new names. */
  private renameUses(): ReadonlyMap<string, string> {
    const wanted = new Map<string, string>();
    const imported = this.parsed.flatMap(({ declarations }) => declarations.filter(({ form }) => form === 'import'));
    for (const declaration of imported) {
      const entry = this.entryOf(declaration);
      for (const { name, local } of entry === undefined ? [] : declaration.specifiers) {
        const change = this.changeOf(entry as keyof NameTable, name);
        const now = nameOf(change) ?? name;
        if (name === local && now !== name) wanted.set(local, now);
      }
    }
    for (const [local, name] of wanted) {
      const others = imported.filter((declaration) =>
        declaration.specifiers.some((one) => {
          if (one.local !== local) return false;
          const entry = this.entryOf(declaration);
          const change = entry === undefined ? undefined : this.changeOf(entry, one.name);
          return one.name !== local || nameOf(change) !== name;
        }),
      );
      const uses = this.parsed.map(({ tokens, declared }) => usesOf(tokens, local, declared));
      const isTaken = this.parsed.some(({ tokens }) =>
        tokens.some(({ kind, text }, at) => kind === 'word' && text === name && useAt(tokens, at) !== 'property'),
      );
      if (others.length > 0 || isTaken || uses.includes(undefined)) wanted.delete(local);
    }
    for (const { tokens, declarations, declared } of this.parsed) {
      for (const [local, name] of wanted) {
        for (const at of usesOf(tokens, local, declared) ?? [])
          this.replace(tokens[at] as Token, useAt(tokens, at) === 'shorthand' ? `${local}: ${name}` : name);
        for (const { form, module, specifiers } of declarations) {
          if (form !== 'export' || module !== undefined) continue;
          for (const one of specifiers.filter((exported) => exported.name === local))
            this.replace(one.token, one.local === local ? `${name} as ${local}` : name);
        }
      }
    }
    return wanted;
  }

  /** What a specifier says now, and where it comes from. */
  private migrate(
    { isType, name, local, token }: Specifier,
    entry: keyof NameTable,
    declaration: ModuleDeclaration,
    renamed: ReadonlyMap<string, string>,
    isJavaScript: boolean,
  ): { readonly entry: string; readonly text: string } {
    const { form } = declaration;
    const change = this.changeOf(entry, name);
    const plain = plainOf(token);
    if (plain !== name && this.changeOf(entry, plain) !== undefined)
      this.leave(token, `this is '${plain}'. Write it without quotes and escapes, and migrate again.`);
    const write = (now: string, as: string) => `${isType ? 'type ' : ''}${now}${now === as ? '' : ` as ${as}`}`;
    if (change === undefined) return { entry, text: write(name, local) };
    if ('gone' in change) {
      this.leave(token, `'${name}' is exported by no entry any more. ${change.gone}`);
      return { entry, text: write(name, local) };
    }
    const from = change.entry ?? entry;
    const moves = from === entry ? [] : [`comes from '${from}'`];
    if ('typeOnly' in change) {
      const isTyped = isType || declaration.isType;
      if (isTyped && moves.length === 0) return { entry, text: write(name, local) };
      if (isJavaScript && !isTyped) {
        this.leave(token, `'${name}' is exported as a type only, and JavaScript has no types. ${change.typeOnly}`);
        return { entry, text: write(name, local) };
      }
      this.places.change(token, `'${name}' ${[...(isTyped ? [] : ['is a type only']), ...moves].join(', and ')}`);
      if (!isTyped) this.reportValueUses(local, change.typeOnly);
      return { entry: from, text: `${isTyped ? '' : 'type '}${write(name, local)}` };
    }
    const now = change.name ?? name;
    const isRenamed = form === 'import' && name === local && renamed.get(local) === now;
    const parts = [
      ...(now === name
        ? []
        : [
            `is '${now}'${isRenamed || form === 'export' || name !== local ? '' : `, imported as '${local}', since the file has another '${now}' or '${local}'`}`,
          ]),
      ...moves,
    ];
    this.places.change(token, `'${name}' ${parts.join(', and ')}`);
    return { entry: from, text: write(now, isRenamed ? now : local) };
  }

  private reportValueUses(local: string, instead: string): void {
    for (const { tokens, declared } of this.parsed)
      for (const at of placesOf(tokens, local, declared))
        if (isValueUse(tokens, at))
          this.leave(tokens[at], `'${local}' is exported as a type only, and is used as a value here. ${instead}`);
  }

  /** `ns.Name`: reported where the name is no longer there, and the import where it is used in another way. */
  private reportNamespace(namespace: string, entry: keyof NameTable): void {
    for (const { tokens, declared } of this.parsed) {
      for (const at of placesOf(tokens, namespace, declared)) {
        const token = tokens[at] as Token;
        const name = tokens[at + 1]?.text === '.' ? (tokens[at + 2]?.text ?? '') : undefined;
        this.addFirstArgument(name ?? '', { tokens, at: at + 2, begins: at, mayInsert: false });
        const change = name === undefined ? undefined : this.changeOf(entry, name);
        if (name === undefined)
          this.leave(
            token,
            `'${namespace}' stands for all of '${entry}', which exports other names now. Import what is needed by name.`,
          );
        else if (change !== undefined) this.leave(token, `'${namespace}.${name}': ${sentenceOf(name, change, entry)}`);
      }
    }
  }

  private importedNames(): ReadonlyMap<string, string> {
    const all = this.parsed.flatMap(({ declarations }) => declarations);
    const ours = all.filter(({ form, module }) => form === 'import' && isOfPackage(module));
    return new Map(ours.flatMap(({ specifiers }) => specifiers.map(({ name, local }) => [name, local])));
  }

  /** Answers the names that the file is to import for it. */
  private migrateMembers(imported: ReadonlyMap<string, string>): readonly AddedImport[] {
    if (!this.parsed.some(({ declarations }) => declarations.some(({ module }) => isOfPackage(module)))) return [];
    return this.parsed.flatMap(({ tokens, declared }) =>
      new MemberMigration(tokens, declared, imported, this.tables.members, this.places).run(),
    );
  }

  private addFirstArguments(name: string, local: string): void {
    for (const { tokens, declared } of this.parsed) {
      const mayInsert = usesOf(tokens, local, declared) !== undefined;
      for (const at of placesOf(tokens, local, declared))
        this.addFirstArgument(name, { tokens, at, begins: at, mayInsert });
    }
  }

  private addFirstArgument(
    name: string,
    place: {
      readonly tokens: readonly Token[];
      readonly at: number;
      readonly begins: number;
      readonly mayInsert: boolean;
    },
  ): void {
    const row = Object.hasOwn(this.tables.firstArguments, name) ? this.tables.firstArguments[name] : undefined;
    if (row === undefined) return;
    const { tokens, ...where } = place;
    migrateConstructor(tokens, { name, ...where, text: row[0], what: row[1] }, this.places);
  }

  private replace(token: Token, text: string): void {
    this.places.replace(token, text);
  }

  private leave(token: Token | undefined, what: string): void {
    this.places.leave(token, what);
  }
}

const isOfPackage = (module: Token | undefined): boolean => /^backplane(\/|$)/.test(textOf(module) ?? '');

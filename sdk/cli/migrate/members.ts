import type { MemberChange } from './names.ts';
import type { Token } from './tokens.ts';
import { useAt } from './uses.ts';

/** A name that an entry exports, which the file is to import beside one that it has. */
export interface AddedImport {
  readonly entry: string;
  readonly name: string;
  readonly beside: string;
}

/** Where a migration writes. */
export interface MemberSink {
  isEdited(token: Token): boolean;
  replace(token: Token, text: string): void;
  change(token: Token, what: string): void;
  leave(token: Token, what: string): void;
}

/** Renames members and settings in the tokens of a file that imports the package, and reports those it is not sure of. */
export class MemberMigration {
  private readonly added: AddedImport[] = [];
  /** Whether the file has a member of that name of its own. */
  private readonly own = new Map<string, boolean>();

  constructor(
    private readonly tokens: readonly Token[],
    private readonly declared: ReadonlySet<number>,
    private readonly imported: ReadonlyMap<string, string>,
    private readonly table: Readonly<Record<string, MemberChange>>,
    private readonly sink: MemberSink,
  ) {}

  run(): readonly AddedImport[] {
    for (const [at, token] of this.tokens.entries()) {
      this.reportQuoted(at);
      if (token.kind !== 'word' || this.declared.has(at) || !Object.hasOwn(this.table, token.text)) continue;
      const change = this.table[token.text] as MemberChange;
      if (this.isMember(at) && !this.sink.isEdited(token) && this.matters(change)) this.migrate(at, change);
    }
    return this.added;
  }

  /** A property, or what a pattern takes out of an object. */
  private isMember(at: number): boolean {
    const use = useAt(this.tokens, at);
    const isTaken = use === 'unsure' && this.text((this.tokens[at] as Token).owner) === '{';
    return use === 'property' || use === 'shorthand' || (isTaken && /^[{,]$/.test(this.text(at - 1)));
  }

  private matters({ of, certain, imported = [of], settingOf }: MemberChange): boolean {
    if (certain === true || settingOf !== undefined || imported.length === 0) return true;
    return imported.some((name) => this.imported.has(name));
  }

  private migrate(at: number, change: MemberChange): void {
    const token = this.tokens[at] as Token;
    const { name, of, certain, instead, settingOf, wrap, given } = change;
    if (given !== undefined) this.reportMembersOf(at, given);
    else if (settingOf !== undefined) {
      const called = settingOf.map((one) => this.imported.get(one)).find((local) => this.isSettingOf(at, local));
      if (called !== undefined && wrap !== undefined) this.wrap(at, wrap, called);
      else if (called !== undefined) this.sink.leave(token, `'${token.text}' of ${of} is gone. ${instead}`);
    } else if (name === undefined) {
      if (certain === undefined || this.isCertain(at, certain))
        this.sink.leave(token, `'${token.text}' of ${of} is gone. ${instead}`);
    } else if (certain !== undefined && this.mayRename(at, change) && this.isCertain(at, certain)) {
      this.sink.replace(token, name);
      this.sink.change(token, `'${token.text}' of ${of} is '${name}'`);
    } else this.sink.leave(token, `'${token.text}': if it is that of ${of}, it is '${name}' now.`);
  }

  /** What is asked of something: `.name`; and the key of an object that a function of the package is given as it is. */
  private mayRename(at: number, { of, imported = [of] }: MemberChange): boolean {
    if (/^\??\.$/.test(this.text(at - 1))) return true;
    const isKey = useAt(this.tokens, at) === 'property' && this.text(at + 1) === ':';
    return isKey && imported.some((name) => this.isSettingOf(at, this.imported.get(name)));
  }

  /** `x['name']` and `{ 'name': 1 }`. */
  private reportQuoted(at: number): void {
    const { kind, text, owner } = this.tokens[at] as Token;
    if (kind !== 'string' && kind !== 'template') return;
    const name = text.slice(1, -1);
    const change = Object.hasOwn(this.table, name) ? this.table[name] : undefined;
    if (change === undefined || this.declared.has(at) || !this.matters(change)) return;
    const around = this.text(at - 1) + this.text(at + 1);
    if (around !== '[]' && !(this.text(owner) === '{' && /^[{,](?::|\()$/.test(around))) return;
    const { of, settingOf, instead } = change;
    const token = this.tokens[at];
    if (settingOf?.some((one) => this.isSettingOf(at, this.imported.get(one))) && token !== undefined)
      this.sink.leave(token, `'${name}' of ${of} is changed. ${instead ?? 'It takes another value.'}`);
    else if (change.name !== undefined && token !== undefined)
      this.sink.leave(token, `'${name}': if it is that of ${of}, it is '${change.name}' now.`);
  }

  /** A file with a member of that name of its own is left to its author. */
  private isCertain(at: number, certain: true | RegExp): boolean {
    const around = (from: number, to: number) => this.tokens.slice(Math.max(0, from), to).map(({ text }) => text);
    const isLike =
      certain === true || certain.test(`${around(at - 6, at).join('')}#${around(at + 1, at + 4).join('')}`);
    const { text: name } = this.tokens[at] as Token;
    const isAsked = this.text(at - 1).endsWith('.');
    const isOwn = ({ text }: Token, index: number) =>
      text === name && !this.text(index - 1).endsWith('.') && useAt(this.tokens, index) === 'property';
    if (!isLike || !isAsked) return isLike;
    const has = this.own.get(name) ?? this.tokens.some(isOwn);
    this.own.set(name, has);
    return !has;
  }

  private isSettingOf(at: number, called: string | undefined): boolean {
    if (called === undefined) return false;
    const { owner } = this.tokens[at] as Token;
    const call = this.tokens[owner]?.owner ?? -1;
    return this.text(owner) === '{' && this.text(call) === '(' && this.text(call - 1) === called;
  }

  private wrap(at: number, { by, entry }: NonNullable<MemberChange['wrap']>, beside: string): void {
    const token = this.tokens[at] as Token;
    const first = this.tokens[at + 2];
    if (this.text(at + 1) === ':' && first?.text === by) return;
    const last = this.text(at + 2) === 'new' && this.text(at + 3) === 'URL' ? this.tokens[at + 4]?.closing : at + 2;
    const value = this.tokens[last ?? -1];
    const isPath = first?.kind === 'string' || (first?.text === 'new' && this.text(at + 3) === 'URL');
    const isWhole = /^[,}]$/.test(this.text((last ?? at) + 1));
    const isTaken = !this.imported.has(by) && this.tokens.some(({ text }) => text === by);
    if (this.text(at + 1) !== ':' || !isPath || !isWhole || isTaken || first === undefined || value === undefined) {
      this.sink.leave(token, `'${token.text}' takes no path any more. Write ${by}(path), with ${by} of '${entry}'.`);
      return;
    }
    if (first === value) this.sink.replace(first, `${by}(${first.text})`);
    else {
      this.sink.replace(first, `${by}(${first.text}`);
      this.sink.replace(value, `${value.text})`);
    }
    this.sink.change(token, `'${token.text}' takes a record: ${by}() of '${entry}' makes it of the path`);
    this.added.push({ entry, name: by, beside });
  }

  /** Of a function that is written here: what it asks its parameter for, and no longer gets. */
  private reportMembersOf(at: number, { type, members }: NonNullable<MemberChange['given']>): void {
    const key = this.tokens[at] as Token;
    let head = at + 1;
    while (this.text(head) === ':' || this.text(head) === 'async') head++;
    const opening = this.tokens[head] as Token;
    const isList = opening.text === '(';
    const first = isList ? head + 1 : head;
    const from = isList ? opening.closing + 1 : head + 1;
    const closing = this.tokens[key.owner]?.closing ?? this.tokens.length;
    const comma = this.tokens.findIndex(
      ({ text, owner }, index) => index >= from && owner === key.owner && text === ',',
    );
    const to = comma < 0 ? closing : Math.min(comma, closing);
    const report = (index: number) => {
      const token = this.tokens[index] as Token;
      if (token.kind === 'word' && !members.includes(token.text))
        this.sink.leave(
          token,
          `'${token.text}': ${key.text}() is given a ${type}, which has ${members.join(', ')}. Do it once the machine is made.`,
        );
    };
    const parameter = this.tokens[first];
    if (parameter?.text === '{') {
      for (let index = first + 1; index < parameter.closing; index++)
        if (this.tokens[index]?.owner === first && /^[{,]$/.test(this.text(index - 1))) report(index);
    }
    // A parameter that names its type keeps that type.
    if (parameter?.kind !== 'word' || this.text(first + 1) === ':') return;
    for (let index = from; index < to; index++)
      if (this.text(index) === parameter.text && /^\??\.$/.test(this.text(index + 1))) report(index + 2);
  }

  private text(at: number): string {
    return this.tokens[at]?.text ?? '';
  }
}

export type TokenKind = 'word' | 'string' | 'template' | 'number' | 'regexp' | 'mark';

/** What a `{` begins. */
export type BraceKind = 'block' | 'class' | 'interface' | 'enum' | 'object';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** The first token of its line. */
  readonly begins: boolean;
  /** Where the innermost bracket around it stands in the list of tokens; -1 at the top. */
  readonly owner: number;
  /** Of an opening bracket: where the closing one stands. */
  closing: number;
  /** Of a `{`. */
  brace: BraceKind | undefined;
}

/** The text is no TypeScript that can be taken apart. The message is a part of a sentence. */
export class TokenError extends Error {
  constructor(
    readonly offset: number,
    why: string,
  ) {
    super(why);
  }
}

const Blank = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const Word = /#?(?:[\p{ID_Start}$_]|\\u[\da-fA-F{}]+)(?:[\p{ID_Continue}$\u200c\u200d]|\\u[\da-fA-F{}]+)*/uy;
const Digits = /(?:0[xXbBoO][\da-fA-F_]+|\d[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)n?/y;
const Quoted = /'(?:\\\r\n|\\[\s\S]|[^'\\\n])*'|"(?:\\\r\n|\\[\s\S]|[^"\\\n])*"/y;
const TemplatePart = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*(?:`|\$\{)/y;
const RegularExpression =
  /\/(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*\]|[^/\\[\n*])(?:\\[^\n]|\[(?:\\[^\n]|[^\]\\\n])*\]|[^/\\[\n])*\/\w*/y;
const Mark = /\.\.\.|=>|\?\.(?!\d)|\?\?|&&|\|\||\+\+|--|[=!]==?|[-+*/%&|^<>]=|./suy;

/** Words behind which a `/` begins a regular expression and a `{` an object. */
const expectsValue =
  /^(?:return|typeof|case|in|of|delete|void|throw|new|instanceof|yield|await|as|satisfies|extends|default|keyof|is)$/;
const closers: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '${': '}' };

/**
 * The tokens of a piece of TypeScript, without comments. Throws a `TokenError` where it ends in the middle of
 * something.
 */
export function tokensOf(text: string, from = 0, to = text.length): Token[] {
  const tokens: Token[] = [];
  const open: number[] = [];
  let at = from;
  let begins = true;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    return found === undefined || at + found.length > to ? undefined : found;
  };
  const add = (kind: TokenKind, found: string): Token => {
    const owner = open.at(-1) ?? -1;
    const token: Token = {
      kind,
      text: found,
      start: at,
      end: at + found.length,
      begins,
      owner,
      closing: -1,
      brace: undefined,
    };
    tokens.push(token);
    at = token.end;
    begins = false;
    return token;
  };
  const template = () => {
    const start = at++;
    const part = take(TemplatePart);
    at = start;
    if (part === undefined) throw new TokenError(at, 'this template never ends');
    const goesOn = part.endsWith('${');
    add('template', `${text[at]}${goesOn ? part.slice(0, -2) : part}`);
    if (!goesOn) return;
    open.push(tokens.length);
    add('mark', '${');
  };
  const close = (found: string) => {
    const opening = tokens[open.at(-1) ?? -1];
    if (opening === undefined || closers[opening.text] !== found)
      throw new TokenError(at, `this '${found}' closes nothing`);
    opening.closing = tokens.length;
    open.pop();
    if (opening.text === '${') template();
    else add('mark', found);
  };
  if (text.startsWith('#!', at)) at += take(/[^\n]*/y)?.length ?? 0;
  for (;;) {
    const blank = take(Blank);
    if (blank !== undefined) {
      at += blank.length;
      begins ||= blank.includes('\n');
    }
    if (at >= to) break;
    const next = text[at] ?? '';
    if (next === "'" || next === '"') add('string', take(Quoted) ?? unfinished(at, 'text'));
    else if (next === '`') template();
    else if (next === '/' && text[at + 1] === '*') unfinished(at, 'comment');
    else if (/[)\]}]/.test(next)) close(next);
    else if (/\d/.test(next) || (next === '.' && /\d/.test(text[at + 1] ?? ''))) add('number', take(Digits) ?? next);
    else {
      const word = take(Word);
      const expression =
        word === undefined && next === '/' && mayBeRegExp(tokens) ? take(RegularExpression) : undefined;
      if (word !== undefined) add('word', word);
      else if (expression !== undefined) add('regexp', expression);
      else {
        const mark = add('mark', take(Mark) ?? next);
        if (closers[mark.text] === undefined) continue;
        open.push(tokens.length - 1);
        if (mark.text === '{') mark.brace = braceKind(tokens, tokens.length - 1);
      }
    }
  }
  const left = tokens[open.at(-1) ?? -1];
  if (left !== undefined) throw new TokenError(left.start, `this '${left.text}' is never closed`);
  return tokens;
}

function unfinished(at: number, what: string): never {
  throw new TokenError(at, `this ${what} never ends`);
}

/** Whether a value may begin behind the tokens; a `/` that stands elsewhere divides. */
function mayBeRegExp(tokens: readonly Token[]): boolean {
  const before = tokens.at(-1);
  if (before === undefined) return true;
  if (before.kind === 'word') return expectsValue.test(before.text) && tokens.at(-2)?.text !== '.';
  if (before.kind !== 'mark') return false;
  if (before.text === ')')
    return /^(?:if|while|for|with)$/.test(tokens[openingOf(tokens, tokens.length - 1) - 1]?.text ?? '');
  if (before.text === '}') return tokens[openingOf(tokens, tokens.length - 1)]?.brace === 'block';
  // `value! / 2`
  const asserted = tokens.at(-2);
  if (before.text === '!' && asserted !== undefined && !before.begins)
    return expectsValue.test(asserted.text) || !/^(?:[\w$]+|[)\]])$/.test(asserted.text);
  return !/^(?:\]|\+\+|--)$/.test(before.text);
}

/** Where the bracket stands that this one closes. */
export function openingOf(tokens: readonly Token[], closing: number): number {
  const owner = tokens[closing]?.owner ?? -1;
  for (let index = closing - 1; index > owner; index--) if (tokens[index]?.closing === closing) return index;
  return -1;
}

const beforeObject = /^(?:[(,=:[?&|<]|=>|\.\.\.|\|\||&&|\?\?|[=!]==?|\$\{)$/;

function braceKind(tokens: readonly Token[], at: number): BraceKind {
  const before = tokens[at - 1];
  if (before === undefined || before.text === '=>') return 'block';
  if (before.text === ':') return isCase(tokens, at - 1) ? 'block' : 'object';
  if (before.kind === 'mark' && beforeObject.test(before.text)) return 'object';
  if (/^(?:const|let|var|import|export|type)$/.test(before.text)) return 'object';
  if (before.kind === 'word' && expectsValue.test(before.text)) return 'object';
  return headOf(tokens, at);
}

/** `case X:` or `default:`, and what it names. */
function isCase(tokens: readonly Token[], colon: number): boolean {
  const { owner } = tokens[colon] as Token;
  if (owner >= 0 && tokens[owner]?.brace !== 'block') return false;
  for (let index = colon - 1; index > owner; index--) {
    const token = tokens[index] as Token;
    if (token.owner !== owner) continue;
    if (token.text === 'case' || token.text === 'default') return true;
    if (/^[;{}?=]$/.test(token.text)) return false;
  }
  return false;
}

/** Looks back for the `class`, `interface` or `enum` that the brace would be the body of. */
function headOf(tokens: readonly Token[], at: number): BraceKind {
  const { owner } = tokens[at] as Token;
  for (let index = at - 1; index > owner; index--) {
    const token = tokens[index] as Token;
    if (token.owner !== owner) continue;
    const isName = tokens[index - 1]?.text === '.';
    const isHead = !isName && (tokens[index + 1]?.kind === 'word' || index === at - 1);
    if (isHead && /^(?:class|interface|enum)$/.test(token.text)) return token.text as BraceKind;
    if (token.kind === 'word' && /^(?:if|else|for|while|do|try|finally|switch|function|return)$/.test(token.text))
      return 'block';
    if (token.kind === 'mark' && !/^(?:[().,<>&|[\]=])$/.test(token.text)) return 'block';
  }
  return 'block';
}

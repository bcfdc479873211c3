import type { Token } from './tokens.ts';

/** One name between the braces of an import or export. */
export interface Specifier {
  /** With `type` in front. */
  readonly isType: boolean;
  /** What the other module calls it, and what this file does. */
  readonly name: string;
  readonly local: string;
  readonly token: Token;
}

/** `import ... from 'x'` or `export ... from 'x'`; an `export { ... }` of the file's own names has no module. */
export interface ModuleDeclaration {
  readonly form: 'import' | 'export';
  readonly isType: boolean;
  /** Its tokens, from the first to the last one, which may be the semicolon. */
  readonly first: number;
  readonly last: number;
  /** Where the braces stand. */
  readonly braces: readonly [open: number, close: number] | undefined;
  readonly specifiers: readonly Specifier[];
  /** The `ns` of `* as ns`, and the name in front of the braces. */
  readonly namespace: Token | undefined;
  readonly byDefault: Token | undefined;
  readonly star: boolean;
  readonly module: Token | undefined;
}

/** Every import and export of names at the top of the tokens. */
export function moduleDeclarations(tokens: readonly Token[]): ModuleDeclaration[] {
  const found: ModuleDeclaration[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const { text, owner } = tokens[index] as Token;
    if (owner !== -1 || (text !== 'import' && text !== 'export') || tokens[index - 1]?.text === '.') continue;
    const declaration = declarationAt(tokens, index, text);
    if (declaration === undefined) continue;
    found.push(declaration);
    index = declaration.last;
  }
  return found;
}

function declarationAt(
  tokens: readonly Token[],
  first: number,
  form: 'import' | 'export',
): ModuleDeclaration | undefined {
  let at = first + 1;
  const text = (ahead = 0) => tokens[at + ahead]?.text ?? '';
  const isType = text() === 'type' && /^[{*]$|^\w/.test(text(1)) && !(text(1) === 'from' && text(2) !== 'from');
  if (isType) at++;
  let byDefault: Token | undefined;
  if (form === 'import' && tokens[at]?.kind === 'word') {
    byDefault = tokens[at++];
    if (text() === ',') at++;
    else if (text() !== 'from') return undefined;
  }
  let namespace: Token | undefined;
  const star = text() === '*';
  let braces: readonly [number, number] | undefined;
  if (star) {
    at++;
    if (text() === 'as') {
      namespace = tokens[at + 1];
      at += 2;
    }
  } else if (text() === '{') {
    braces = [at, (tokens[at] as Token).closing];
    at = braces[1] + 1;
  } else if (byDefault === undefined) return undefined;
  let module: Token | undefined;
  if (text() === 'from' && tokens[at + 1]?.kind === 'string') {
    module = tokens[at + 1];
    at += 2;
    if (/^(?:with|assert)$/.test(text()) && text(1) === '{') at = (tokens[at + 1] as Token).closing + 1;
  } else if (form === 'import' || braces === undefined) return undefined;
  const last = text() === ';' ? at : at - 1;
  const specifiers = braces === undefined ? [] : specifiersOf(tokens, braces);
  return { form, isType, first, last, braces, specifiers, namespace, byDefault, star, module };
}

function specifiersOf(tokens: readonly Token[], [open, close]: readonly [number, number]): Specifier[] {
  const found: Specifier[] = [];
  let words: Token[] = [];
  for (let index = open + 1; index <= close; index++) {
    const token = tokens[index] as Token;
    if (token.text !== ',' && index !== close) {
      words.push(token);
      continue;
    }
    // `type`, `type as as x` and `type as x` are names called type; the rest is as it looks.
    const isType = words.length === 2 || words.length === 4;
    const [name, , local] = isType ? words.slice(1) : words;
    if (name !== undefined) found.push({ isType, name: name.text, local: (local ?? name).text, token: name });
    words = [];
  }
  return found;
}

/** The text of a string token. */
export const textOf = (token: Token | undefined): string | undefined => token?.text.slice(1, -1);

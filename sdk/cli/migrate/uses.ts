import type { Token } from './tokens.ts';

/** What a word is where it stands: the binding of that name, `{ name }` for both, a property, or not to be told. */
export type Use = 'reference' | 'shorthand' | 'property' | 'unsure';

const modifiers = /^(?:public|private|protected|static|readonly|override|abstract|declare|accessor|get|set|async)$/;
/** A value or a type follows, never the name of a member. */
const operators =
  /^(?:new|typeof|keyof|extends|implements|as|satisfies|instanceof|is|await|void|delete|in|of|yield|return|throw|case|infer|unique)$/;
const declares = /^(?:const|let|var|function|class|interface|enum|namespace|module|type)$/;

/** What the word at this place is; a declaration of the name is `unsure`, since it is another binding. */
export function useAt(tokens: readonly Token[], at: number): Use {
  const word = tokens[at] as Token;
  const before = word.owner < at - 1 ? tokens[at - 1] : undefined;
  const previous = before?.text ?? '';
  const next = tokens[at + 1]?.text ?? '';
  if (previous === '.' || previous === '?.') return 'property';
  // Behind `):` it is what an arrow function answers, elsewhere its parameter.
  if (next === '=>') return previous === ':' && tokens[at - 2]?.text === ')' ? 'reference' : 'unsure';
  const around = tokens[word.owner];
  if (around?.brace === 'class' || around?.brace === 'interface') return inBody(tokens, at, before, next);
  if (around?.brace === 'enum') return previous === '' || previous === ',' ? 'property' : 'reference';
  if (around?.brace === 'object') return inObject(tokens, at, previous, next);
  if (before?.kind === 'word' && declares.test(previous)) return 'unsure';
  if (previous === '*' && tokens[at - 2]?.text === 'function') return 'unsure';
  if (around?.text === '(') return inParentheses(tokens, at, previous, next);
  if (around?.text === '[') {
    const isPattern = declares.test(tokens[word.owner - 1]?.text ?? '') || isParameters(tokens, around.owner);
    return isPattern || (next === ':' && previous !== '?') ? 'unsure' : 'reference';
  }
  if (next === ':' && /^[;{}]?$/.test(previous)) return 'unsure';
  if (previous === ',' && (next === '=' || next === ':' || next === ';')) return 'unsure';
  return 'reference';
}

function inBody(tokens: readonly Token[], at: number, before: Token | undefined, next: string): Use {
  const word = tokens[at] as Token;
  if (before === undefined || /^[;}]$/.test(before.text)) return 'property';
  const endsMember = /^[:?!=(;<}]$/.test(next) || tokens[at + 1]?.begins === true;
  if (before.kind === 'word') {
    if (modifiers.test(before.text)) return endsMember ? 'property' : 'reference';
    if (operators.test(before.text)) return 'reference';
    return word.begins ? 'property' : 'unsure';
  }
  if (before.text === ')') return 'property';
  if (before.text === ',') return tokens[word.owner]?.brace === 'interface' && endsMember ? 'property' : 'reference';
  if (before.text === '*' && /^[;}]?$/.test(tokens[at - 2]?.text ?? '')) return 'property';
  if (before.kind !== 'mark' || /^[\]>!]$/.test(before.text)) return word.begins ? 'property' : 'unsure';
  return 'reference';
}

/** In an object, a type in braces, or a pattern that takes one apart. */
function inObject(tokens: readonly Token[], at: number, previous: string, next: string): Use {
  const { owner, begins } = tokens[at] as Token;
  if (/^[,;]?$/.test(previous)) {
    if (next === ':' || next === '(' || (next === '?' && /^[:(]$/.test(tokens[at + 2]?.text ?? ''))) return 'property';
    if (isTypeArgument(tokens, at)) return next === '<' || next === '=' ? 'unsure' : 'reference';
    if (next === '<') return 'property';
    if (!/^[,}=]$/.test(next)) return 'unsure';
    const isPattern = declares.test(tokens[owner - 1]?.text ?? '') || isParameters(tokens, tokens[owner]?.owner ?? -1);
    return isPattern ? 'unsure' : 'shorthand';
  }
  const isModified = modifiers.test(previous) || previous === '*';
  if (isModified && /^[(:?]$/.test(next)) return 'property';
  return next === ':' && previous !== '?' && (begins || isModified) ? 'unsure' : 'reference';
}

/** Behind a `<` that nothing has closed: a comma there parts no members. */
function isTypeArgument(tokens: readonly Token[], at: number): boolean {
  const { owner } = tokens[at] as Token;
  let depth = 0;
  for (let index = owner + 1; index < at; index++) {
    const token = tokens[index] as Token;
    if (token.owner !== owner) continue;
    if (token.text === '<') depth++;
    else if (token.text === '>') depth = Math.max(0, depth - 1);
    else if (token.text === ';') depth = 0;
  }
  return depth > 0;
}

const conditions = /^(?:if|while|switch|for|with)$/;

/** Arguments and conditions hold references; parameters declare. */
function inParentheses(tokens: readonly Token[], at: number, previous: string, next: string): Use {
  const { owner } = tokens[at] as Token;
  if (modifiers.test(previous)) return 'unsure';
  if (!/^(?:|,|\.\.\.)$/.test(previous) || !/^[,)=:?]$/.test(next)) return 'reference';
  if (next === ':' || (next === '?' && /^[:,)]$/.test(tokens[at + 2]?.text ?? ''))) return 'unsure';
  return next === '=' || isParameters(tokens, owner) ? 'unsure' : 'reference';
}

/** Whether a parenthesis opens the parameters of a function, or may do so. */
function isParameters(tokens: readonly Token[], at: number): boolean {
  const opening = tokens[at];
  if (opening?.text !== '(') return false;
  const behind = tokens[opening.closing + 1]?.text;
  const head = tokens[at - 1]?.text ?? '';
  if (behind === '=>' || head === 'function' || tokens[at - 2]?.text === 'function') return true;
  if (behind === '{') return !conditions.test(head);
  if (behind !== ':') return false;
  for (let index = opening.closing + 2; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.owner < opening.owner || (token.owner === opening.owner && /^[,;)}\]=]$/.test(token.text))) return false;
    if (token.owner === opening.owner && (token.text === '=>' || token.brace === 'block')) return true;
  }
  return false;
}

/** Whether a reference stands where only a value may: made, derived from, called, handed on or asked for a member. */
export function isValueUse(tokens: readonly Token[], at: number): boolean {
  const [previous, next] = [tokens[at - 1]?.text ?? '', tokens[at + 1]?.text ?? ''];
  if (/^(?:new|instanceof)$/.test(previous) || next === '(') return true;
  if (previous === 'extends') return tokens.slice(Math.max(0, at - 4), at).some(({ text }) => text === 'class');
  if (next === '.' && !/^[:<|&]$/.test(previous)) return true;
  return useAt(tokens, at) === 'shorthand' || isValuePlace(tokens, at);
}

/** Whether a value begins here, and no type: behind `=`, `return` and the like, as an argument, or in a list of these. */
function isValuePlace(tokens: readonly Token[], at: number): boolean {
  const { owner } = tokens[at] as Token;
  const before = tokens[at - 1];
  const previous = before?.text ?? '';
  if (previous === 'default' && tokens[at - 2]?.text === 'export') return true;
  if (/^(?:return|throw|await|yield|case|in|of|void|delete|\?\?|\|\||&&|[=!]==?|[-+*/%])$/.test(previous)) return true;
  if (previous === '=') return !isTypeAlias(tokens, at - 1);
  if (previous === '...' && tokens[owner]?.text === '(') return true;
  const opening = tokens[owner];
  // `{ key: Name }`; behind `):` it is what a method answers.
  if (previous === ':' && opening?.brace === 'object' && tokens[at - 2]?.text !== ')')
    return isValuePlace(tokens, owner);
  if (opening === undefined || !/^(?:|,|\.\.\.)$/.test(owner === at - 1 ? '' : previous)) return false;
  if (opening.text === '[') return isValuePlace(tokens, owner);
  if (opening.text !== '(') return false;
  const called = tokens[owner - 1];
  const isCall = called?.kind === 'word' ? called.text !== 'function' : /^[)\]>]$/.test(called?.text ?? '');
  return isCall && !isTypeArgument(tokens, at) && !isParameters(tokens, owner);
}

/** Whether the `=` is that of `type Name = ` or of a parameter of types. */
function isTypeAlias(tokens: readonly Token[], equals: number): boolean {
  const { owner } = tokens[equals] as Token;
  for (let at = equals - 1; at > owner; at--) {
    const token = tokens[at] as Token;
    if (token.owner !== owner) continue;
    if (token.text === 'type' || token.text === '<') return true;
    if (token.text === ';' || token.text === '=' || /^(?:const|let|var)$/.test(token.text)) return false;
  }
  return false;
}

/**
 * A word that nothing declares here, as far as can be seen, with each place where it is used; undefined if it is not
 * sure.
 */
export function usesOf(tokens: readonly Token[], name: string, but: ReadonlySet<number>): number[] | undefined {
  const found: number[] = [];
  for (const [index, { kind, text }] of tokens.entries()) {
    if (kind !== 'word' || but.has(index)) continue;
    // Written with escapes, it would be missed where it is to be renamed.
    if (text !== name && text.includes('\\') && plainOf(tokens[index]) === name) return undefined;
    if (text !== name) continue;
    const use = useAt(tokens, index);
    if (use === 'unsure') return undefined;
    if (use !== 'property') found.push(index);
  }
  return found;
}

/** Every place of a word but members: its uses, and locals of the same name. */
export function placesOf(tokens: readonly Token[], name: string, but: ReadonlySet<number>): number[] {
  const found: number[] = [];
  for (const [index, { kind, text }] of tokens.entries())
    if (kind === 'word' && text === name && !but.has(index) && useAt(tokens, index) !== 'property') found.push(index);
  return found;
}

/** A word or a string without quotes and escapes. */
export function plainOf(token: Token | undefined): string {
  const text = token?.kind === 'string' ? token.text.slice(1, -1) : (token?.text ?? '');
  return text.replace(/\\u\{0*([\da-f]{1,5})\}|\\u([\da-f]{4})|\\x([\da-f]{2})/gi, (_, long, short, byte) =>
    String.fromCodePoint(Number.parseInt(long ?? short ?? byte, 16)),
  );
}

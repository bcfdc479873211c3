import type { Places } from './places.ts';
import type { Token } from './tokens.ts';

/** A constructor with a new first argument, where it is called by one of its names. */
export interface ConstructorUse {
  readonly name: string;
  /** Where its name stands, and where what is called begins: the `ns` of `ns.Name`. */
  readonly at: number;
  readonly begins: number;
  /** It may be inserted: this is no local of the same name. */
  readonly mayInsert: boolean;
  readonly text: string;
  readonly what: string;
}

/** Puts the argument in where the call is that of 0.1.0; reports a class that derives from it, and what is not sure. */
export function migrateConstructor(tokens: readonly Token[], use: ConstructorUse, places: Places): void {
  const { name, at, begins, mayInsert, text, what } = use;
  const token = tokens[at] as Token;
  const [before, opening] = [tokens[begins - 1]?.text ?? '', tokens[at + 1]];
  if (before === 'extends' && /^(?:\{|implements)$/.test(opening?.text ?? ''))
    places.leave(token, `the constructor of '${name}' takes ${what} first: look at super().`);
  if (before !== 'new') return;
  const state = opening?.text === '(' ? stateOf(tokens, at + 1) : 'unsure';
  if (state === 'done') return;
  if (state === 'unsure' || !mayInsert || opening === undefined)
    places.leave(token, `if this is '${name}' of the package, it takes ${what} first, and then the message.`);
  else {
    places.edits.push({ start: opening.end, end: opening.end, text: `${text}, ` });
    places.change(opening, `'${name}' takes ${what} first: ${text} is put in`);
  }
}

const code = /^(['"`])[a-z\d]+(?:-[a-z\d]+)*\1$/;
const isText = (token: Token | undefined): boolean => token?.kind === 'string' || token?.kind === 'template';

/** 0.1.0 took a message, and an object of options. */
function stateOf(tokens: readonly Token[], open: number): 'done' | 'missing' | 'unsure' {
  const { closing } = tokens[open] as Token;
  const starts = [open + 1];
  for (let at = open + 1; at < closing; at++)
    if (tokens[at]?.owner === open && tokens[at]?.text === ',') starts.push(at + 1);
  if (starts.at(-1) === closing) starts.pop();
  const [first, second] = starts.map((at) => tokens[at]);
  if (first === undefined) return 'done';
  if (first.text === '...') return 'unsure';
  if (second === undefined) return 'missing';
  if (starts.length > 2 || isText(second)) return 'done';
  if (second.text === '{') return 'missing';
  if (code.test(first.text)) return 'done';
  const isMigrated = tokens.some((one) => isText(one) && one.text.slice(1, -1) === 'refused');
  const isPlain = isText(first) || /^[\w$]+\.$/.test(first.text + (tokens[open + 2]?.text ?? ''));
  return isMigrated && isPlain ? 'done' : 'unsure';
}

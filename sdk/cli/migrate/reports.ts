import { textOf } from './imports.ts';
import type { NameChange, NameTable } from './names.ts';
import type { Places } from './places.ts';
import type { Token } from './tokens.ts';

/** What became of a name. */
export function sentenceOf(name: string, change: NameChange, entry: string): string {
  if ('gone' in change) return `no entry exports it any more. ${change.gone}`;
  if ('typeOnly' in change) return `it is a type only. ${change.typeOnly}`;
  return `it is '${change.name ?? name}' of '${change.entry ?? entry}' now.`;
}

/** Modules that are asked for while the program runs, mocked, or added to. */
export function reportLate(tokens: readonly Token[], names: NameTable, places: Places): void {
  for (const [at, token] of tokens.entries()) {
    const entry = token.kind === 'string' ? textOf(token) : undefined;
    if (entry === undefined || !Object.hasOwn(names, entry)) continue;
    const [before, called] = [tokens[at - 1]?.text, tokens[at - 2]?.text ?? ''];
    const isAsked =
      before === '(' && /^(?:import|require|resolve|mock|doMock|unmock|doUnmock|importActual|importMock)$/.test(called);
    if (isAsked || (before === 'module' && called === 'declare'))
      places.leave(token, `'${entry}' is not imported by a declaration here: look whether its names are still there.`);
  }
}

/** The name that a change gives. */
export const nameOf = (change: NameChange | undefined): string | undefined =>
  change !== undefined && 'name' in change ? change.name : undefined;

import type { CaseBuilder } from './case-builder.ts';

/** A kind of instruction. */
export interface Form {
  readonly name: string;
  /** How often it is taken, beside the others. */
  readonly weight: number;
  /** It accesses memory by ModRM or by a string, so it can meet a page that is not there. */
  readonly accesses?: boolean;
  /** It reads a place, and writes it. */
  readonly changes?: boolean;
  make(c: CaseBuilder): void;
}

export const form = (name: string, weight: number, make: (c: CaseBuilder) => void): Form => ({ name, weight, make });
export const accessing = (name: string, weight: number, make: (c: CaseBuilder) => void): Form => ({
  name,
  weight,
  accesses: true,
  make,
});
export const changing = (name: string, weight: number, make: (c: CaseBuilder) => void): Form => ({
  ...accessing(name, weight, make),
  changes: true,
});

/** A form of this list, as often as its weight says. */
export function chooser(forms: readonly Form[]): (below: (limit: number) => number) => Form {
  const all = forms.flatMap((one) => Array<Form>(one.weight).fill(one));
  return (below) => all[below(all.length)]!;
}

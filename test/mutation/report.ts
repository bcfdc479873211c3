import type { Mutant } from './mutants.ts';
import type { Suspect } from './suspects.ts';
import type { Reply, Verdict } from './verdict.ts';

export interface Judged {
  readonly suspect: Suspect;
  readonly mutant: Mutant;
  readonly reply: Reply;
}

const ByDeclaration: readonly Verdict[] = ['definition', 'declaration', 'hangs'];
const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(whole, 1)).toFixed(1)} %`;
const count = (all: readonly Judged[], ...verdicts: Verdict[]): number =>
  all.filter(({ reply }) => verdicts.includes(reply.verdict)).length;

export function formatMistakes(all: readonly Judged[]): string {
  const declared = count(all, ...ByDeclaration);
  const recorded = declared + count(all, 'record');
  const lines = all.map(
    ({ suspect, mutant, reply }) =>
      `  ${reply.verdict.padEnd(11)} ${suspect.name}: ${mutant.what}\n${' '.repeat(14)}${firstLine(reply.by)}`,
  );
  return [
    `hand-made mistakes: ${recorded} of ${all.length} found, ${declared} of them from the declaration alone`,
    ...lines,
    '',
  ].join('\n');
}

export function formatMutants(all: readonly Judged[]): string {
  const names = [...new Set(all.map(({ suspect }) => suspect.name))];
  const rows = [
    ...names.map((name) => [name, all.filter(({ suspect }) => suspect.name === name)] as const),
    ['together', all] as const,
  ];
  const table = rows.map(([name, some]) => {
    const different = some.length - count(some, 'alike');
    const declared = count(some, ...ByDeclaration);
    const found = declared + count(some, 'record');
    const cells = [
      some.length,
      different,
      percent(declared, different),
      percent(found, different),
      percent(found, some.length),
    ];
    return `  ${name.padEnd(14)}${cells.map((cell) => String(cell).padStart(11)).join('')}`;
  });
  const list = (title: string, ...verdicts: Verdict[]): string[] => {
    const some = all.filter(({ reply }) => verdicts.includes(reply.verdict));
    return some.length === 0
      ? []
      : [title, ...some.map(({ mutant }) => `  ${mutant.file}:${mutant.line}: ${mutant.what}`), ''];
  };
  return [
    'mechanical mutants, of which at least so many differ from the original, and how many of those are found from the',
    'declaration alone, and with the record of behaviour; last, how many of all, as if none were equivalent:',
    `  ${' '.repeat(14)}${['mutants', 'differ', 'declared', 'recorded', 'of all'].map((head) => head.padStart(11)).join('')}`,
    ...table,
    '',
    ...list('survivors, which behave differently:', 'survived'),
    ...list('found by the record of behaviour only:', 'record'),
    ...list('never told from the original (equivalent, as far as random programs show):', 'alike'),
  ].join('\n');
}

const firstLine = (text: string): string => text.split('\n')[0]?.slice(0, 110) ?? '';

/** Found by anything that the suite has, of all, as if none were equivalent. */
export function shareFound(all: readonly Judged[]): number {
  return count(all, ...ByDeclaration, 'record') / Math.max(all.length, 1);
}

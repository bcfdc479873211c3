import type { Mutant } from './mutants.ts';
import type { Suspect } from './suspects.ts';
import type { Reply, Verdict } from './verdict.ts';

export interface Judged {
  readonly suspect: Suspect;
  readonly mutant: Mutant;
  readonly reply: Reply;
}

const ByContract: readonly Verdict[] = ['definition', 'contract', 'hangs'];
const ByDeclaration: readonly Verdict[] = [...ByContract, 'lint'];
const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(whole, 1)).toFixed(1)} %`;
const count = (all: readonly Judged[], ...verdicts: Verdict[]): number =>
  all.filter(({ reply }) => verdicts.includes(reply.verdict)).length;

/** Everything that was judged. */
export interface Judgement {
  readonly first: readonly Judged[];
  readonly second: readonly Judged[];
  readonly third: readonly Judged[];
  readonly fourth: readonly Judged[];
  readonly fifth: readonly Judged[];
  readonly mutants: readonly Judged[];
}

/** What the suite has to reach. Only the last line of the table counts mutants as different that behave alike. */
const Floor = {
  FirstContract: 15,
  FirstDeclared: 18,
  SecondContract: 15,
  // 17 while virtio-rng had its queue in its own file: the lint found two mistakes there that it does not find in the base class.
  SecondDeclared: 15,
  // After improvements. At first sight 6 and 8 were found: decision 0019.
  ThirdContract: 12,
  ThirdDeclared: 17,
  // After improvements. At first sight one was found: decision 0019.
  FourthContract: 8,
  FourthDeclared: 9,
  // After improvements. At first sight none and one were found: decision 0019.
  FifthContract: 8,
  FifthDeclared: 9,
  // One less than is found today: what is measured in memory or host time is not the same twice.
  FirstRecorded: 19,
  SecondRecorded: 20,
  ThirdRecorded: 19,
  FourthRecorded: 9,
  FifthRecorded: 9,
  MutantsContract: 0.35,
  MutantsDeclared: 0.62,
  MutantsRecorded: 0.8,
} as const;
/** A smaller sample says too little about a share. */
const SmallestSample = 30;

/** The scores that are too low, as sentences. */
export function belowFloor({ first, second, third, fourth, fifth, mutants }: Judgement): string[] {
  const contract = (some: readonly Judged[]): number => count(some, ...ByContract);
  const declared = (some: readonly Judged[]): number => count(some, ...ByDeclaration);
  const recorded = (some: readonly Judged[]): number => count(some, ...ByDeclaration, 'record');
  const different = mutants.length - count(mutants, 'alike');
  const low = (what: string, is: number, floor: number): string[] =>
    is >= floor ? [] : [`${what}: ${is.toFixed(2)}, not ${floor}`];
  const shares =
    mutants.length < SmallestSample
      ? []
      : [
          ...low('mutants found by the contract', contract(mutants) / different, Floor.MutantsContract),
          ...low('mutants found by contract and lint', declared(mutants) / different, Floor.MutantsDeclared),
          ...low('mutants found, with the record', recorded(mutants) / different, Floor.MutantsRecorded),
        ];
  return [
    ...low('mistakes by hand, by the contract', contract(first), Floor.FirstContract),
    ...low('mistakes by hand, by contract and lint', declared(first), Floor.FirstDeclared),
    ...low('mistakes by hand, with the record', recorded(first), Floor.FirstRecorded),
    ...low('second batch, by the contract', contract(second), Floor.SecondContract),
    ...low('second batch, by contract and lint', declared(second), Floor.SecondDeclared),
    ...low('second batch, with the record', recorded(second), Floor.SecondRecorded),
    ...low('third batch, by the contract', contract(third), Floor.ThirdContract),
    ...low('third batch, by contract and lint', declared(third), Floor.ThirdDeclared),
    ...low('third batch, with the record', recorded(third), Floor.ThirdRecorded),
    ...low('fourth batch, by the contract', contract(fourth), Floor.FourthContract),
    ...low('fourth batch, by contract and lint', declared(fourth), Floor.FourthDeclared),
    ...low('fourth batch, with the record', recorded(fourth), Floor.FourthRecorded),
    ...low('fifth batch, by the contract', contract(fifth), Floor.FifthContract),
    ...low('fifth batch, by contract and lint', declared(fifth), Floor.FifthDeclared),
    ...low('fifth batch, with the record', recorded(fifth), Floor.FifthRecorded),
    ...shares,
  ];
}

export function formatMistakes(title: string, all: readonly Judged[]): string {
  const contract = count(all, ...ByContract);
  const declared = count(all, ...ByDeclaration);
  const recorded = declared + count(all, 'record');
  const lines = all.map(
    ({ suspect, mutant, reply }) =>
      `  ${reply.verdict.padEnd(11)} ${suspect.name}: ${mutant.what.slice(0, 100)} (${mutant.file}:${mutant.line})\n${' '.repeat(14)}${firstLine(reply.by)}`,
  );
  return [
    `${title}: of ${all.length} the contract finds ${contract}, contract and lint ${declared}, the record of behaviour too ${recorded}`,
    ...lines,
    '',
  ].join('\n');
}

/** For programs. */
export function asJson({ first, second, third, fourth, fifth, mutants }: Judgement, notJudged: number): string {
  const rows = (some: readonly Judged[]) =>
    some.map(({ suspect, mutant: { file, line, what }, reply: { verdict, by } }) => ({
      device: suspect.name,
      file,
      line,
      what,
      verdict,
      by,
    }));
  return JSON.stringify(
    {
      ...{ first: rows(first), second: rows(second), third: rows(third), fourth: rows(fourth), fifth: rows(fifth) },
      ...{ mutants: rows(mutants), notJudged },
    },
    undefined,
    2,
  );
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
      percent(count(some, ...ByContract), different),
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
    'What only the record finds, or nothing, is what the declaration does not say. A mutant counts as equivalent when the suite, the',
    'record, and 60 longer programs side by side with the original show no difference.',
    '',
    'mechanical mutants, of which at least so many differ from the original, and how many of those are found by the contract',
    '(refusals at definition included), by the lint too, and by the record too; last, how many of all, as if none were equivalent:',
    `  ${' '.repeat(14)}${['mutants', 'differ', 'contract', '+ lint', '+ record', 'of all'].map((head) => head.padStart(11)).join('')}`,
    ...table,
    '',
    ...findersOf(all),
    ...list('survivors, which behave differently:', 'survived'),
    ...list('found by the record of behaviour only:', 'record'),
    ...list('never told from the original (equivalent, as far as random programs show):', 'alike'),
  ].join('\n');
}

/** How many mutants each check found first. */
function findersOf(all: readonly Judged[]): string[] {
  const finders = new Map<string, number>();
  for (const { reply } of all) {
    if (reply.verdict !== 'contract' && reply.verdict !== 'lint') continue;
    const finder = `${reply.verdict}: ${reply.by.split(': ')[0]}`;
    finders.set(finder, (finders.get(finder) ?? 0) + 1);
  }
  const sorted = [...finders].sort(([, a], [, b]) => b - a);
  return ['found first by', ...sorted.map(([finder, many]) => `  ${String(many).padStart(4)} ${finder}`), ''];
}

const firstLine = (text: string): string => text.split('\n')[0]?.slice(0, 110) ?? '';

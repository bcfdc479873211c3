import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../sdk/testing/random.ts';
import { bundleDevice, sourceOf } from './bundle.ts';
import { fifthBatch } from './fifth-batch.ts';
import { fourthBatch } from './fourth-batch.ts';
import { ask } from './jury.ts';
import { type Mistake, mistakes } from './mistakes.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { asJson, belowFloor, formatMistakes, formatMutants, type Judged, type Judgement } from './report.ts';
import { secondBatch } from './second-batch.ts';
import { type Suspect, suspects } from './suspects.ts';
import { thirdBatch } from './third-batch.ts';
import type { Question, Reply } from './verdict.ts';

export interface Measurement {
  readonly seed: number;
  /** Mechanical mutants of each device. */
  readonly mutants: number;
  /** The whole run is bounded, and what is not judged by then is said to be so. */
  readonly minutes: number;
  readonly json: boolean;
  readonly device: string | undefined;
  /** Only this batch of mistakes made by hand, and no mutants. */
  readonly batch: keyof typeof batches | undefined;
}

export const batches = {
  first: mistakes,
  second: secondBatch,
  third: thirdBatch,
  fourth: fourthBatch,
  fifth: fifthBatch,
} as const;

/** Mechanical mutants are many: faster than the suite's own numbers, and so a little blinder. */
const Quick = { runs: 6, length: 200, hostileAccesses: 3000 } as const;
/** Mistakes made by hand are judged by the suite's own programs, and a fifth of its hostile accesses. */
const Usual = { hostileAccesses: 20_000 } as const;
const Minute = 60_000;

interface Case {
  readonly suspect: Suspect;
  readonly mutant: Mutant;
  readonly batch: keyof Judgement;
}

/** Damages devices and has the copies judged. False when a score is below its floor. */
export async function measure(what: Measurement): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-mutation-'));
  try {
    return await judgeIn(folder, what);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function judgeIn(folder: string, what: Measurement): Promise<boolean> {
  const until = Date.now() + what.minutes * Minute;
  const chosen = suspects.filter(
    ({ name }) =>
      (what.device === undefined || name === what.device) &&
      (what.batch === undefined || batches[what.batch].some(({ suspect }) => suspect === name)),
  );
  if (chosen.length === 0) {
    throw new Error(
      `There is no device '${what.device}' here. There are ${suspects.map(({ name }) => name).join(', ')}.`,
    );
  }
  const originals = new Map<Suspect, string>();
  for (const suspect of chosen) {
    const target = join(folder, `${suspect.name}.mjs`);
    await bundleDevice(suspect.files[0] as string, target, undefined);
    originals.set(suspect, target);
  }
  const questionAbout = (id: number, suspect: Suspect, bundle: string, quick: Question['quick']): Question => {
    const { exported, name } = suspect;
    return {
      id,
      bundle,
      original: originals.get(suspect) as string,
      exported,
      suspect: name,
      quick: { ...quick, seed: what.seed },
    };
  };
  const cases = casesOf(chosen, what);
  const questions: Question[] = [];
  for (const [id, { suspect, mutant, batch }] of cases.entries()) {
    const bundle = join(folder, `${id}.mjs`);
    await bundleDevice(suspect.files[0] as string, bundle, mutant);
    questions.push(questionAbout(id, suspect, bundle, batch === 'mutants' ? Quick : Usual));
  }
  const patience = await judgeOriginals(
    chosen.map((one, index) => questionAbout(index, one, originals.get(one) as string, Usual)),
  );
  const processes = Math.max(2, availableParallelism() - 1);
  const replies = await ask(questions, { processes, patience, until, heard: progressOf(questions.length) });
  const judged = (batch: keyof Judgement): Judged[] =>
    cases.flatMap(({ batch: of, suspect, mutant }, id) => {
      const reply = of === batch ? replies.get(id) : undefined;
      return reply === undefined ? [] : [{ suspect, mutant, reply }];
    });
  const judgement: Judgement = {
    first: judged('first'),
    second: judged('second'),
    third: judged('third'),
    fourth: judged('fourth'),
    fifth: judged('fifth'),
    mutants: judged('mutants'),
  };
  const left = questions.length - replies.size;
  const low = what.device === undefined && what.batch === undefined ? belowFloor(judgement) : [];
  print(what.json ? asJson(judgement, left) : textOf(judgement, left, low));
  return low.length === 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function textOf(judgement: Judgement, left: number, low: readonly string[]): string {
  return [
    formatMistakes('mistakes made by hand, known to the suite', judgement.first),
    formatMistakes('mistakes made by hand, second batch, by an author who had not read the suite', judgement.second),
    formatMistakes('mistakes made by hand, third batch, by another such author', judgement.third),
    formatMistakes(
      'mistakes made by hand, fourth batch, where devices meet the host, by a third such author',
      judgement.fourth,
    ),
    formatMistakes('mistakes made by hand, fifth batch, at the same places, by a fourth such author', judgement.fifth),
    formatMutants(judgement.mutants),
    ...(left > 0 ? [`${left} copies were not judged: time was up.`] : []),
    ...low.map((sentence) => `BELOW ITS FLOOR: ${sentence}`),
  ].join('\n');
}

/** By hand first; then one mutant of each device in turn, so that a run that is out of time has seen something of all. */
function casesOf(chosen: readonly Suspect[], { seed, mutants, batch: only }: Measurement): Case[] {
  const byHand = Object.entries(batches).flatMap(([name, list]) =>
    list.flatMap((mistake): Case[] => {
      const batch = name as keyof typeof batches;
      const suspect = chosen.find((one) => one.name === mistake.suspect);
      if (suspect === undefined || (only !== undefined && only !== batch)) return [];
      return [{ suspect, mutant: planted(mistake), batch }];
    }),
  );
  const mechanical = chosen
    .filter(({ byHandOnly }) => byHandOnly !== true && only === undefined)
    .map((suspect) => sample(suspect, seed, mutants).map((mutant): Case => ({ suspect, mutant, batch: 'mutants' })));
  return [...byHand, ...interleaved(mechanical)];
}

/** The undamaged devices must pass. Answers how long a copy may take. */
async function judgeOriginals(questions: readonly Question[]): Promise<number> {
  let longest = 0;
  for (const question of questions) {
    const begun = Date.now();
    const replies = await ask([question], { processes: 1, patience: 2 * Minute, until: begun + 1000, heard: () => {} });
    longest = Math.max(longest, Date.now() - begun);
    const reply = replies.get(question.id) as Reply;
    if (reply.verdict === 'alike') continue;
    throw new Error(`The unchanged ${question.suspect} is not accepted: ${reply.verdict}, ${reply.by}`);
  }
  return Math.max(10_000, 5 * longest);
}

export function progressOf(all: number): () => void {
  let heard = 0;
  return () => {
    heard++;
    if (process.stderr.isTTY) process.stderr.write(heard === all ? '\r\u001b[K' : `\r${heard} of ${all} judged`);
  };
}

function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

/** The same seed, the same mutants. */
function sample({ files }: Suspect, seed: number, most: number): Mutant[] {
  const all = files.flatMap((file) => mutantsOf(file, sourceOf(file)));
  const random = new Random(seed);
  const chosen: Mutant[] = [];
  while (all.length > 0 && chosen.length < most) chosen.push(...all.splice(random.below(all.length), 1));
  return chosen;
}

function planted({ kind, file, right, wrong }: Mistake): Mutant {
  const text = sourceOf(file);
  const at = text.indexOf(right);
  if (at < 0 || text.includes(right, at + 1)) throw new Error(`'${right}' does not stand exactly once in ${file}.`);
  const line = text.slice(0, at).split('\n').length;
  const change =
    wrong.trim() === '' || right.includes(wrong) ? `without ${right.replace(wrong, '').trim()}` : wrong.trim();
  return {
    file,
    line,
    what: `${kind}: ${change.replaceAll(/\s*\n\s*/g, ' ')}`,
    text: text.replace(right, () => wrong),
  };
}

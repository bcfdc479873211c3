import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../sdk/testing/random.ts';
import { bundleDevice, sourceOf } from './bundle.ts';
import { ask } from './jury.ts';
import { mistakes } from './mistakes.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { formatMistakes, formatMutants, type Judged, shareFound } from './report.ts';
import { type Suspect, suspects } from './suspects.ts';
import type { Question, Reply } from './verdict.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    mutants: { type: 'string', default: '60' },
    device: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const most = values.all ? Number.POSITIVE_INFINITY : Number(values.mutants);

/** Faster than the suite's own numbers, and so a little blinder: hundreds of copies are judged. */
const Quick = { runs: 6, length: 200, hostileAccesses: 3000 } as const;

/** What the suite has to reach. Nothing here counts mutants as equivalent. */
const Goal = { HandMade: 0.9, Mechanical: 0.8 } as const;
/** Milliseconds: the whole run is bounded, and what is not judged by then is said to be so. */
const LongestRun = 225_000;
const started = Date.now();

const folder = mkdtempSync(join(tmpdir(), 'backplane-mutation-'));
try {
  const ok = await main();
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

interface Case {
  readonly suspect: Suspect;
  readonly mutant: Mutant;
}

async function main(): Promise<boolean> {
  const chosen = suspects.filter(({ name }) => values.device === undefined || name === values.device);
  const originals = new Map<Suspect, string>();
  for (const suspect of chosen) {
    const target = join(folder, `${suspect.name}.mjs`);
    await bundleDevice(suspect.files[0] as string, target, undefined);
    originals.set(suspect, target);
  }
  const handMade = mistakes.flatMap((mistake): Case[] => {
    const suspect = chosen.find(({ name }) => name === mistake.suspect);
    return suspect === undefined ? [] : [{ suspect, mutant: planted(mistake) }];
  });
  const mechanical = interleaved(chosen.map((suspect) => sample(suspect).map((mutant) => ({ suspect, mutant }))));
  const cases = [...handMade, ...mechanical];
  const questionAbout = (id: number, suspect: Suspect, bundle: string): Question => {
    const { exported, name } = suspect;
    return {
      id,
      bundle,
      original: originals.get(suspect) as string,
      exported,
      suspect: name,
      quick: { ...Quick, seed },
    };
  };
  const questions: Question[] = [];
  for (const [id, { suspect, mutant }] of cases.entries()) {
    const bundle = join(folder, `${id}.mjs`);
    await bundleDevice(suspect.files[0] as string, bundle, mutant);
    questions.push(questionAbout(id, suspect, bundle));
  }
  const until = started + LongestRun;
  const processes = Math.max(2, availableParallelism() - 1);
  const patience = await judgeOriginals(
    chosen.map((one, index) => questionAbout(index, one, originals.get(one) as string)),
  );
  let heard = 0;
  const progress = (): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${++heard} of ${questions.length} copies judged`);
  };
  const replies = await ask(questions, { processes, patience, until, heard: progress });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const judgedOf = (some: readonly Case[], first: number): Judged[] =>
    some.flatMap((one, index) => {
      const reply = replies.get(first + index);
      return reply === undefined ? [] : [{ ...one, reply }];
    });
  const byHand = judgedOf(handMade, 0);
  const byMachine = judgedOf(mechanical, handMade.length);
  console.log(formatMistakes(byHand));
  console.log(formatMutants(byMachine));
  const left = questions.length - replies.size;
  if (left > 0) console.log(`${left} copies were not judged: time was up.`);
  return shareFound(byHand) >= Goal.HandMade && shareFound(byMachine) >= Goal.Mechanical;
}

/** The undamaged devices must pass. Answers how long a copy may take. */
async function judgeOriginals(questions: readonly Question[]): Promise<number> {
  let longest = 0;
  for (const question of questions) {
    const begun = Date.now();
    const replies = await ask([question], { processes: 1, patience: 120_000, until: begun + 1000, heard: () => {} });
    longest = Math.max(longest, Date.now() - begun);
    const reply = replies.get(question.id) as Reply;
    if (reply.verdict === 'alike') continue;
    throw new Error(`The unchanged ${question.suspect} is not accepted: ${reply.verdict}, ${reply.by}`);
  }
  return Math.max(10_000, 5 * longest);
}

/** One of each in turn, so that whoever runs out of time has seen something of all. */
function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => lists.flatMap((list) => list.slice(index, index + 1))).flat();
}

/** The same seed, the same mutants. */
function sample({ files }: Suspect): Mutant[] {
  const all = files.flatMap((file) => mutantsOf(file, sourceOf(file)));
  const random = new Random(seed);
  const chosen: Mutant[] = [];
  while (all.length > 0 && chosen.length < most) chosen.push(...all.splice(random.below(all.length), 1));
  return chosen;
}

function planted({ kind, file, right, wrong }: (typeof mistakes)[number]): Mutant {
  const text = sourceOf(file);
  const at = text.indexOf(right);
  if (at < 0 || text.includes(right, at + 1)) throw new Error(`'${right}' does not stand exactly once in ${file}.`);
  const line = text.slice(0, at).split('\n').length;
  return {
    file,
    line,
    what: `${kind}: ${wrong.trim() || `without ${right.trim()}`}`,
    text: text.replace(right, () => wrong),
  };
}

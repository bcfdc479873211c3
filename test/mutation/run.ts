import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../sdk/testing/random.ts';
import { bundleDevice, sourceOf } from './bundle.ts';
import { ask } from './jury.ts';
import { mistakes } from './mistakes.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { formatMistakes, formatMutants, type Judged } from './report.ts';
import { type Suspect, suspects } from './suspects.ts';
import type { Question, Reply } from './verdict.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    mutants: { type: 'string', default: '80' },
    device: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const most = values.all ? Number.POSITIVE_INFINITY : Number(values.mutants);

/** Faster than the suite's own numbers, and so a little blinder: hundreds of copies are judged. */
const Quick = { runs: 6, length: 200, hostileAccesses: 3000 } as const;

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
  const mechanical = chosen.flatMap((suspect) => sample(suspect).map((mutant) => ({ suspect, mutant })));
  const cases = [...handMade, ...mechanical];
  const questions: Question[] = [...originals].map(([{ exported, name }, bundle], index) => ({
    id: -1 - index,
    bundle,
    original: bundle,
    exported,
    suspect: name,
    quick: { ...Quick, seed },
  }));
  for (const [id, { suspect, mutant }] of cases.entries()) {
    const bundle = join(folder, `${id}.mjs`);
    await bundleDevice(suspect.files[0] as string, bundle, mutant);
    const { exported, name } = suspect;
    const original = originals.get(suspect) as string;
    questions.push({ id, bundle, original, exported, suspect: name, quick: { ...Quick, seed } });
  }
  let heard = 0;
  const progress = (): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${++heard} of ${questions.length} copies judged`);
  };
  const replies = await ask(questions, Math.max(2, availableParallelism() - 1), progress);
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  for (const [index, suspect] of chosen.entries()) {
    const reply = replies.get(-1 - index) as Reply;
    if (reply.verdict !== 'alike') throw new Error(`The unchanged ${suspect.name} is not accepted: ${reply.by}`);
  }
  const judgedOf = (some: readonly Case[], first: number): Judged[] =>
    some.flatMap((one, index) => {
      const reply = replies.get(first + index);
      return reply === undefined ? [] : [{ ...one, reply }];
    });
  console.log(formatMistakes(judgedOf(handMade, 0)));
  console.log(formatMutants(judgedOf(mechanical, handMade.length)));
  const left = questions.length - replies.size;
  if (left > 0) console.log(`${left} copies were not judged: time was up.`);
  return left === 0;
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

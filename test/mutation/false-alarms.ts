import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as chips from '../../devices/index.ts';
import { ask } from './jury.ts';
import { progressOf } from './measure.ts';
import { suspects } from './suspects.ts';
import type { Question } from './verdict.ts';

/** Every check runs, with fewer programs than usual: the seeds make up for it. */
const Brief = { runs: 4, hostileAccesses: 4000 } as const;
const Minute = 60_000;

/** The suite on every undamaged device of the project, with that many seeds each. False if it finds anything. */
export async function countFalseAlarms(seeds: number, json: boolean): Promise<boolean> {
  const index = fileURLToPath(new URL('../../devices/index.ts', import.meta.url));
  const own = Object.entries(chips).filter(([, chip]) => typeof chip === 'function');
  const practice = suspects.filter(({ files }) => files[0]?.startsWith('test/'));
  const devices = [
    ...own.map(([exported]) => ({ exported, bundle: index })),
    ...practice.map(({ exported, files }) => ({
      exported,
      bundle: fileURLToPath(new URL(`../../${files[0]}`, import.meta.url)),
    })),
  ];
  const questions = Array.from({ length: seeds }, (_, seed) =>
    devices.map(({ exported, bundle }, device): Question => {
      const id = seed * devices.length + device;
      return { id, bundle, original: undefined, exported, suspect: exported, quick: { ...Brief, seed: seed + 1 } };
    }),
  ).flat();
  const replies = await ask(questions, {
    processes: Math.max(2, availableParallelism() - 1),
    patience: 2 * Minute,
    until: Date.now() + 20 * Minute,
    heard: progressOf(questions.length),
  });
  const alarms = questions.flatMap(({ id, exported, quick }) => {
    const reply = replies.get(id);
    return reply?.verdict === 'alike'
      ? []
      : [{ device: exported, seed: quick.seed, by: reply?.by ?? 'was not judged' }];
  });
  const summary = `${alarms.length} false alarms on ${devices.length} undamaged devices, ${seeds} seeds each`;
  if (json) console.log(JSON.stringify({ devices: devices.length, seeds, alarms }, undefined, 2));
  else console.log([summary, ...alarms.map(({ device, seed, by }) => `  ${device}, seed ${seed}: ${by}`)].join('\n'));
  return alarms.length === 0;
}

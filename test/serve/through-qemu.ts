import { hex } from '../../sdk/base/text.ts';
import type { UsedDevice } from '../../sdk/index.ts';
import { randomScript } from '../../sdk/testing/conformance/random-script.ts';
import type { ScriptStep } from '../../sdk/testing/conformance/script.ts';
import type { ConformanceSettings } from '../../sdk/testing/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { shrink } from '../../sdk/testing/shrink.ts';
import { ComparedPair, type ComparedScript, type Difference } from './compared-pair.ts';
import { reachOnlyLowMemory } from './compared-side.ts';
import { withGuest } from './qemu-guest.ts';
import { ServedSides } from './served-sides.ts';

const StepsOfScript = 1000;
const ConfigSteps = 200;
/** A shorter script is looked for so often, each time with a new QEMU. */
const ShrinkingTries = 60;
/** Steps of a script that are shown: the last ones. */
const ShownSteps = 40;

export interface Comparison {
  /** Reads and writes of the device's BARs and configuration that both sides have done. */
  readonly accesses: number;
  /** Interrupts that the device has sent, by its pin and as messages, on either side. */
  readonly interrupts: number;
  /** The first difference, with the fewest steps found that lead to it; undefined: there is none. */
  readonly difference: string | undefined;
}

export interface ComparisonPlan extends Pick<ConformanceSettings, 'values' | 'idioms'> {
  readonly accesses: number;
  readonly seed: number;
  /** Bytes in the images of block options, by the names of the options. */
  readonly images?: Readonly<Record<string, number>>;
}

/** The same random programs on a bench in this process and in a QEMU, behind its host bridge, reply by reply. */
export async function compareThroughQemu(used: UsedDevice, plan: ComparisonPlan): Promise<Comparison> {
  const { images = {} } = plan;
  const { found, ...counts } = await withPair(used, images, (pair) => runRandomly(pair, plan));
  if (found === undefined) return { ...counts, difference: undefined };
  let last = found.text;
  let tries = 0;
  const differs = async (steps: readonly ScriptStep[]): Promise<boolean> => {
    if (++tries > ShrinkingTries) return false;
    const difference = await withPair(used, images, (pair) => pair.run({ ...found.script, steps }));
    if (difference !== undefined) last = difference.text;
    return difference !== undefined;
  };
  // A script that needs what was before it is not shortened.
  const { steps } = found.script;
  const script = (await differs(steps)) ? await shrink(steps, differs) : steps;
  return { ...counts, difference: `${last}\n${shownScript(script)}` };
}

interface Found extends Pick<Comparison, 'accesses' | 'interrupts'> {
  readonly found: { readonly text: string; readonly script: ComparedScript } | undefined;
}

/** Random scripts, each from power-on, until so many accesses are done or one differs. */
async function runRandomly(pair: ComparedPair, { accesses, seed, ...drawn }: ComparisonPlan): Promise<Found> {
  const random = new Random(seed);
  for (let opensTable = true; pair.accesses < accesses; opensTable = !opensTable) {
    const length = Math.min(StepsOfScript, accesses - pair.accesses);
    const how = { waits: true, resets: true, hostile: random.oneIn(3), driven: random.oneIn(2), settled: true };
    const steps = randomScript(pair.layout, random, {
      length,
      values: drawn.values ?? [],
      idioms: drawn.idioms,
      ...how,
    });
    const script: ComparedScript = {
      steps: [...steps, ...configScript(random, Math.min(ConfigSteps, length)), { kind: 'reset' }],
      opensTable,
    };
    const found: Difference | undefined = await pair.run(script);
    if (found !== undefined) {
      return {
        ...countsOf(pair),
        found: { text: found.text, script: { ...script, steps: script.steps.slice(0, found.steps) } },
      };
    }
  }
  return { ...countsOf(pair), found: undefined };
}

const countsOf = ({ accesses, interrupts }: ComparedPair) => ({ accesses, interrupts });

function withPair<T>(
  used: UsedDevice,
  images: Readonly<Record<string, number>>,
  body: (pair: ComparedPair) => Promise<T>,
): Promise<T> {
  const sides = new ServedSides(used, images);
  const { backends } = sides;
  const options = { machine: 'pc', hostTime: () => 0, beforeAttach: reachOnlyLowMemory, backends } as const;
  return withGuest(used, options, async (guest) => {
    sides.connect(guest.served);
    const pair = new ComparedPair(used, images, guest, sides);
    await pair.begin();
    return body(pair);
  });
}

/** Registers of the header and of capabilities, where most have theirs. */
const ConfigOffsets = [4, 0xc, 0x10, 0x14, 0x18, 0x1c, 0x30, 0x3c, 0x40, 0x44, 0x48, 0x4c, 0x50, 0x54];

/** Anything is written to configuration space while nothing is decoded, and all of it is read. A reset is due behind it. */
function configScript(random: Random, length: number): ScriptStep[] {
  const steps: ScriptStep[] = [{ kind: 'config-write', offset: 4, size: 2, value: 0 }];
  for (let count = 0; count < length; count++) {
    const size = random.pick([1, 2, 4] as const);
    const chosen = random.pick([...ConfigOffsets, random.below(256)]);
    const offset = chosen - (chosen % size);
    const drawn = random.pick([0xffff_ffff, 0xffff_ffff, 0, random.bits()]);
    // No decoding, for what each machine has at an address is its own.
    const value = offset < 8 && offset + size > 4 ? drawn & ~(7 << (8 * Math.max(0, 4 - offset))) : drawn;
    const cut = size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1);
    steps.push({ kind: 'config-write', offset, size, value: cut });
    for (const at of [offset & ~3, 4 * random.below(64)]) steps.push({ kind: 'config-read', offset: at, size: 4 });
  }
  return steps;
}

function shownScript(script: readonly ScriptStep[]): string {
  const hidden = Math.max(0, script.length - ShownSteps);
  const before = hidden === 0 ? [] : [`  ${hidden} steps before`];
  const json = (step: ScriptStep) =>
    JSON.stringify(step, (_, value) => (typeof value === 'bigint' ? hex(value) : value));
  return [...before, ...script.slice(hidden).map((step) => `  ${json(step)}`)].join('\n');
}

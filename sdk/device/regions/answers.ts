import type { AnswerWatch, MemoryTopology } from '../../memory/index.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { describeBank } from '../registers/names.ts';
import type { RegionTemplate } from './region.ts';

/** Answers of each handler of a machine that are looked at: enough to find a mistake, and soon over. */
const FirstAnswers = 1000;

/**
 * Looks at what read handlers answer. The types refuse what is no number; NaN and fractions are numbers to them, and a plugin is
 * not type-checked. The guest would read something without a word: zero for most.
 */
class FirstAnswersOfHandler implements AnswerWatch {
  constructor(
    private readonly method: string,
    readonly region: RegionTemplate,
    private left: number,
  ) {}

  see(device: object | null, answer: unknown, offset: number): boolean {
    if (!Number.isInteger(answer))
      reportAnswer(
        device as DeviceInstance,
        `handler '${this.method}' of region '${this.region.name}'`,
        offset,
        answer,
      );
    return --this.left > 0;
  }
}

/** All devices of a class share what is known of its handlers, in one machine: by the method, and for each of its regions. */
const watches = new WeakMap<MemoryTopology, WeakMap<object, FirstAnswersOfHandler[]>>();

/** Watches a read handler from now on; all of its answers on a bench, the first ones in a machine. */
export function watchAnswers(
  topology: MemoryTopology,
  method: string,
  handler: object,
  region: RegionTemplate,
  watchesAll: boolean,
): AnswerWatch {
  const ofTopology = watches.get(topology) ?? new WeakMap<object, FirstAnswersOfHandler[]>();
  watches.set(topology, ofTopology);
  const known = ofTopology.get(handler) ?? [];
  ofTopology.set(handler, known);
  const found = known.find((one) => one.region === region);
  if (found !== undefined) return found;
  const watch = new FirstAnswersOfHandler(method, region, watchesAll ? Number.POSITIVE_INFINITY : FirstAnswers);
  known.push(watch);
  return watch;
}

/** On a bench: looks at what the read hooks of registers answer, which may also be nothing. */
export function watchReadHooks(device: DeviceInstance): void {
  const methods = device as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const { readHook, fields, width, bank, offset, name } of device.metadata.registers) {
    const hooks = new Set([readHook, ...fields.map((field) => field.readHook)]);
    for (const hook of width === 64 ? [] : hooks) {
      const original = hook === undefined ? undefined : methods[hook];
      if (hook === undefined || original === undefined) continue;
      const value = (...given: unknown[]): unknown => {
        const answer = original.apply(device, given);
        if (answer !== undefined && !Number.isInteger(answer))
          reportAnswer(device, `read hook '${hook}' of register '${name}' of ${describeBank(bank)}`, offset, answer);
        return answer;
      };
      Object.defineProperty(device, hook, { value, enumerable: false, configurable: true, writable: true });
    }
  }
}

function reportAnswer(device: DeviceInstance, what: string, offset: number, answer: unknown): void {
  const isPromise = typeof answer === 'object' && answer !== null && 'then' in answer;
  const remedy = isPromise
    ? 'A guest does not wait: answer at once, and declare a timer for what comes later.'
    : 'Answer a whole number.';
  device.guestError(
    `warning: ${what} answered ${describeAnswer(answer)} at offset 0x${offset.toString(16)}, which is no whole ` +
      `number, so the guest reads something else. ${remedy}`,
  );
}

function describeAnswer(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null) return 'then' in answer ? 'a promise' : 'an object';
  return typeof answer === 'string' || typeof answer === 'function' ? `a ${typeof answer}` : String(answer);
}

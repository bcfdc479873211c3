import { IsaBus } from '../bus/index.ts';
import { type ConcreteDeviceClass, pinsOf } from '../device/index.ts';
import type { ObservedDevice } from '../monitor/reference.ts';
import { testBench } from '../testing/index.ts';

const IsaLines = 16;

/** What a device shows on a bench and its declaration does not say. One that cannot be built there throws. */
export function observeDevice(deviceClass: ConcreteDeviceClass): ObservedDevice {
  const bench = testBench(deviceClass);
  const isa = bench.service(IsaBus);
  const heard = Array.from({ length: IsaLines }, (_, line) => line).filter((line) => isa.line(line).connected);
  return {
    pins: [...pinsOf(bench.device).keys()],
    hears: runsOf(heard).map(([first, last]) => `ISA IRQ ${first === last ? first : `${first} to ${last}`}`),
  };
}

/** 0, 1, 3, 4 are 0 to 1 and 3 to 4. */
function runsOf(sorted: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const value of sorted) {
    const run = runs.at(-1);
    if (run?.[1] === value - 1) run[1] = value;
    else runs.push([value, value]);
  }
  return runs;
}

import { device, InterruptPin, IsaDevice, input, portRegion } from '../../../sdk/index.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

const operations = 8192;
const table = 'A write of a port, of a device with derived pins; against the same device without them';

/** A device with as many derived pins; `hasInput` gives it an input pin too. */
function deviceWith(pins: number, hasInput = false) {
  const ports = portRegion({ name: 'ports', base: 0x300, size: 4, accessSizes: [1] });
  class Chip extends IsaDevice {
    value = 0;
    readonly out = Array.from(
      { length: pins },
      (_, bit) => new InterruptPin(() => (this.value & (0x100 << bit)) !== 0),
    );
    @ports.write(0) write(value: number): void {
      this.value = value;
    }
    hold(_level: boolean): void {}
  }
  if (hasInput) input()(Chip.prototype, 'hold', { value: Chip.prototype.hold });
  device({ type: 'chip', description: 'a chip' })(Chip);
  return testBench(Chip);
}

/** Other devices with derived pins have been used before, as in a machine. */
function busyMachine(): void {
  for (const pins of [1, 2, 3]) {
    const bench = deviceWith(pins);
    for (let index = 0; index < 20_000; index++) bench.io.write(0x300, index & 0xff, 1);
  }
}

function writes(pins: number, hasInput = false): Subject {
  busyMachine();
  const loops = [deviceWith(pins, hasInput), deviceWith(0)].map(({ io }) => () => {
    for (let index = 0; index < operations; index++) io.write(0x300, index & 0xff, 1);
    return io.result;
  });
  const [run, baseline] = loops as [() => number, () => number];
  return { operations, run, baseline };
}

export const cases: readonly BenchCase[] = [
  { table, name: 'an input pin and no derived one', prepare: () => writes(0, true) },
  { table, name: '1 derived pin', prepare: () => writes(1) },
  { table, name: '4 derived pins', prepare: () => writes(4) },
  { table, name: '16 derived pins', prepare: () => writes(16) },
];

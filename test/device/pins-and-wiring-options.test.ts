import { describe, expect, it } from 'vitest';
import {
  containerRegion,
  contains,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  isaIrq,
  MemoryRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
} from '../../sdk/index.ts';
import { pinOf, pinsOf } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { DeviceBench } from './device-bench.ts';

const ports = portRegion({ name: 'uart', base: 0x3f8, size: 8 });
const window = containerRegion({ name: 'window', base: 0xa0000, size: 0x20000, priority: 1 });

@device({ type: 'wired', description: 'Two pins and a window' })
@contains(window)
class Wired extends IsaDevice {
  readonly irq = new InterruptPin();
  readonly dma = new InterruptPin();
  readonly other = 3;

  protected override onRealize(): void {
    this.region(window).addSubregion(0x100, MemoryRegion.ram(this.topology, 'bank', 0x1000));
  }
}

describe('the pins of a device', () => {
  it('are its fields that are pins, by name', () => {
    const wired = new Wired();
    expect([...pinsOf(wired).keys()]).toEqual(['irq', 'dma']);
    expect([pinOf(wired, 'dma'), pinOf(wired, 'other')]).toEqual([wired.dma, undefined]);
  });
});

describe('a container region', () => {
  it('holds what its device maps into it when it is realized', () => {
    const bench = new DeviceBench();
    bench.realize(new Wired());
    bench.memory.write(0xa0104, 0x1234, 2);
    expect(bench.memory.read(0xa0104, 4)).toBe(0x1234);
    expect(bench.memory.lookup(0xa0100)?.region.name).toBe('bank');
  });
});

describe('an option', () => {
  const declared = defineOptions({
    iobase: option.integer({ default: 0x3f8, range: [0, 0xfff8], description: 'first port', places: ports }),
    irq: option.integer({ default: 4, range: [0, 15], description: 'line', wires: { pin: 'irq', to: isaIrq } }),
  });
  const { iobase, irq } = declared.declarations;

  it('may be where a region is, and is written as an address then', () => {
    expect(iobase.places).toBe(ports);
    expect(declared.help()[0]).toBe('iobase=<integer>  first port (default: 0x3f8)');
  });

  it('may be where a pin goes', () => {
    expect([irq.wires?.pin, irq.wires?.to(5).description]).toEqual(['irq', 'ISA IRQ 5']);
    expect([irq.places, iobase.wires]).toEqual([undefined, undefined]);
  });
});

it('an option that wires a pin which the device does not have is refused when the first device is made, on a bench too', () => {
  const wired = defineOptions({
    irq: option.integer({ default: 4, range: [0, 15], description: 'line', wires: { pin: 'irk', to: isaIrq } }),
  });
  @device({ type: 'miswired', description: 'x' })
  class Miswired extends IsaDevice {
    readonly irq = new InterruptPin();

    constructor(@options(wired) _config: OptionsOf<typeof wired>) {
      super();
    }
  }
  expectRefusal(() => testBench(Miswired), 'option-wires-unknown-pin', 'Miswired', 'irq', 'irk');
});

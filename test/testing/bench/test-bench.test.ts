import { describe, expect, it } from 'vitest';
import * as chips from '../../../devices/index.ts';
import { DmaPort, IsaDevice, ResetController, SystemDevice } from '../../../sdk/bus/index.ts';
import { MICROSECOND, MILLISECOND, VirtualClock } from '../../../sdk/clock/index.ts';
import {
  type ConcreteDeviceClass,
  Device,
  defineOptions,
  device,
  InterruptPin,
  inject,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
} from '../../../sdk/device/index.ts';
import { place } from '../../../sdk/machine/wiring.ts';
import { PciDevice, pci } from '../../../sdk/pci.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';

const Port = { Delay: 0, Start: 1 } as const;
const ports = portRegion({ name: 'egg-timer', base: 0x300, size: 2, accessSizes: [1] });

const eggTimerOptions = defineOptions({
  unit: option.integer({ default: 1 * MILLISECOND, description: 'nanoseconds that one step of the delay takes' }),
  iobase: option.integer({ default: 0x300, description: 'first port', places: ports }),
});

/** Interrupts once after a delay, and again never before it is started anew. */
@device({ type: 'egg-timer', description: 'A timer to test benches with' })
class EggTimer extends IsaDevice {
  readonly irq = new InterruptPin();
  delay = 0xff;
  private readonly rings;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(eggTimerOptions) private readonly config: OptionsOf<typeof eggTimerOptions>,
  ) {
    super();
    this.rings = clock.timer('egg-timer', () => this.irq.set(true));
  }

  @ports.read(Port.Delay)
  readDelay(): number {
    return this.delay;
  }

  @ports.write(Port.Delay)
  writeDelay(value: number): void {
    if (value === 0) this.guestError('a delay of 0 never rings');
    this.delay = value;
  }

  @ports.write(Port.Start)
  start(): void {
    this.irq.set(false);
    this.rings.arm(this.clock.now + this.delay * this.config.unit);
  }

  override reset(): void {
    this.delay = 10;
    this.rings.cancel();
    this.irq.set(false);
  }
}

const registers = mmioRegion({ name: 'copier', size: 0x100, accessSizes: [4, 8] });

@device({ type: 'copier', description: 'Copies eight bytes of guest memory' })
@pci({ vendorId: 0x1234, deviceId: 0x0001, classCode: 0x00ff, interruptPin: 'A' })
class Copier extends PciDevice {
  source = 0;

  constructor(@inject(DmaPort) private readonly guestMemory: DmaPort) {
    super();
  }

  @registers.write(0)
  setSource(value: number): void {
    this.source = value;
  }

  @registers.write64(8)
  copyTo(destination: bigint): void {
    const bytes = new Uint8Array(8);
    this.guestMemory.read(this.source, bytes);
    this.guestMemory.write(destination, bytes);
    this.interrupt.set(true);
  }

  @registers.read64(8)
  readBack(): bigint {
    return 0x0123_4567_89ab_cdefn;
  }
}

class Disk {
  sector = 7;
}

@device({ type: 'needs-disk', description: 'Asks for a service that benches do not have' })
class NeedsDisk extends SystemDevice {
  constructor(
    @inject(Disk) readonly disk: Disk,
    @inject(ResetController) readonly machine: ResetController,
  ) {
    super();
  }
}

describe('a device on a bench', () => {
  it('is reset, and answers at its base, by port and by offset', () => {
    const bench = testBench(EggTimer);
    expect(bench.in8(0x300)).toBe(10);
    bench.at(ports).write8(Port.Delay, 3);
    expect(bench.in8(0x300)).toBe(3);
    expect(bench.at(ports).read8(Port.Delay)).toBe(3);
    bench.reset();
    expect(bench.device.delay).toBe(10);
  });

  it('reads all ones where it has no register, and where nothing is', () => {
    const bench = testBench(EggTimer);
    expect(bench.in8(0x301)).toBe(0xff);
    expect(bench.in16(0x310)).toBe(0xffff);
  });

  it('can be moved by value or by its own option', () => {
    const placed = testBench(EggTimer, { at: [place(ports, 0x170)] });
    expect([placed.in8(0x170), placed.in8(0x300)]).toEqual([10, 0xff]);
    const moved = testBench(EggTimer, { options: { iobase: 0x240 } });
    expect([moved.in8(0x240), moved.in8(0x300)]).toEqual([10, 0xff]);
    expect(moved.addressOf(ports)).toBe(0x240);
  });

  it('interrupts exactly when its timer says, and the recorder knows when', () => {
    const bench = testBench(EggTimer, { options: { unit: 100 * MICROSECOND } });
    bench.out8(0x301, 1);
    bench.clock.advance(999 * MICROSECOND);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(1 * MICROSECOND);
    expect(bench.interrupts.irq.level).toBe(true);
    bench.out8(0x301, 1);
    expect(bench.interrupts.irq.changes).toEqual([
      { level: true, at: 1 * MILLISECOND },
      { level: false, at: 1 * MILLISECOND },
    ]);
    expect(bench.interrupts.irq.rises).toBe(1);
    bench.interrupts.irq.clear();
    bench.clock.advance(5 * MILLISECOND);
    expect(bench.interrupts.irq.changes).toEqual([{ level: true, at: 2 * MILLISECOND }]);
  });

  it("hears of the guest's mistakes", () => {
    const bench = testBench(EggTimer);
    bench.out8(0x300, 0);
    bench.out8(0x300, 0);
    expect(bench.guestErrors).toEqual([{ device: 'egg-timer', message: 'a delay of 0 never rings', count: 2 }]);
  });

  it('on PCI gets an address for its registers, RAM behind them, and its interrupt', () => {
    const bench = testBench(Copier);
    bench.store32(0x1000, 0xfeed_f00d);
    bench.store8(0x1004, 0x42);
    const window = bench.at(registers);
    window.write32(0, 0x1000);
    window.write64(8, 0x2000n);
    expect(bench.load64(0x2000)).toBe(0x42_feed_f00dn);
    expect([bench.load16(0x2000), bench.load8(0x2004)]).toEqual([0xf00d, 0x42]);
    expect(window.read64(8)).toBe(0x0123_4567_89ab_cdefn);
    expect(bench.interrupts.interrupt.level).toBe(true);
    expect(bench.interrupts.interruptOut.rises).toBe(1);
    bench.reset();
    expect(bench.interrupts.interrupt.level).toBe(false);
  });

  it('gets services of the test, and a missing one is named', () => {
    const { device: needsDisk, requestedResets } = testBench(NeedsDisk, { services: [[Disk, new Disk()]] });
    expect(needsDisk.disk.sector).toBe(7);
    needsDisk.machine.requestReset('because');
    expect(requestedResets).toEqual(['because']);
    expectRefusal(() => testBench(NeedsDisk), 'missing-service', 'NeedsDisk', 'Disk', 'services');
  });

  // Templates of registers stand beside the devices, for machines to place.
  const isDevice = (one: unknown) => typeof one === 'function' && one.prototype instanceof Device;
  it.each(Object.entries(chips).filter(([, one]) => isDevice(one)))('can be %s, as it comes', (_name, chip) => {
    const bench = testBench(chip as ConcreteDeviceClass);
    expect(bench.device).toBeInstanceOf(chip);
    expect(bench.device.realized).toBe(true);
    expect(bench.guestErrors).toEqual([]);
  });

  it('shows only the pins that its class has', () => {
    const bench = testBench(EggTimer);
    expect(bench.interrupts.irq.changes).toEqual([]);
    // @ts-expect-error: no such pin
    expect(bench.interrupts.nmi).toBeUndefined();
  });

  it('refuses what its class does not have', () => {
    const strange = () => testBench(EggTimer, { at: [place(registers, 0x1000)] });
    expectRefusal(strange, 'region-not-on-bench', "'egg-timer'", "'copier'");
    // @ts-expect-error: no such option
    expect(() => testBench(EggTimer, { options: { colour: 3 } })).toThrow("there is no option 'colour'");
  });
});

describe('an access at what is no address', () => {
  const bench = testBench(chips.Edu);
  const [region] = bench.device.metadata.regions.map(({ template }) => bench.at(template));
  const accesses: Record<string, (address: number) => unknown> = {
    in8: (at) => bench.in8(at),
    in16: (at) => bench.in16(at),
    in32: (at) => bench.in32(at),
    out8: (at) => bench.out8(at, 0),
    out16: (at) => bench.out16(at, 0),
    out32: (at) => bench.out32(at, 0),
    load8: (at) => bench.load8(at),
    load16: (at) => bench.load16(at),
    load32: (at) => bench.load32(at),
    load64: (at) => bench.load64(at),
    store8: (at) => bench.store8(at, 0),
    store16: (at) => bench.store16(at, 0),
    store32: (at) => bench.store32(at, 0),
    store64: (at) => bench.store64(at, 0n),
  };
  it.each(Object.keys(accesses))('is refused: %s', (name) => {
    for (const address of [-1, -(2 ** 40), 1.5, Number.NaN, Infinity, 2 ** 64])
      expectRefusal(() => accesses[name]?.(address), 'address-out-of-range', String(address));
  });

  it('is refused in a region, where the address says it', () => {
    expectRefusal(() => region?.read32(Number.NaN), 'address-out-of-range', 'NaN');
    expectRefusal(() => region?.write32(0.5, 0), 'address-out-of-range', '.5');
    expectRefusal(() => region?.read64(-(2 ** 40)), 'address-out-of-range', '-');
  });
});

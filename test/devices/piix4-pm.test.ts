import { beforeEach, describe, expect, it } from 'vitest';
import { Piix4Pm } from '../../devices/index.ts';
import { isaIrq, MILLISECOND, SECOND, use } from '../../sdk/index.ts';
import { guestProgram, loadDevice, Machine, saveDevice } from '../../sdk/runtime.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { pcI440fx } from '../small-machines.ts';

const Base = 0x600;
const Port = { Status: Base, Enable: Base + 2, Control: Base + 4, Timer: Base + 8 } as const;
const Config = { Base: 0x40, ActivityB: 0x58, Miscellaneous: 0x80 } as const;
const SciEnable = 0x0001;
const SleepEnable = 0x2000;
/** Until bit 23 changes: 2^23 ticks of 3.579545 MHz. */
const HalfPeriod = (2 ** 23 * SECOND) / 3_579_545;

let bench: TestBench<Piix4Pm>;

/** As firmware does. */
function open(on = bench): void {
  on.device.writeConfig(Config.Base, Base | 1, 4);
  on.device.writeConfig(Config.Miscellaneous, 1, 1);
}

beforeEach(() => {
  bench = testBench(Piix4Pm);
  open();
});

describe('the ports of power management', () => {
  it('are where PMBA says, while PMIOSE is set', () => {
    expect([bench.in16(Port.Control), bench.in16(Base + 0x0c), bench.in16(Base + 0x40)]).toEqual([0, 0xffff, 0xffff]);
    bench.device.writeConfig(Config.Base, 0xb001, 4);
    expect([bench.in16(Port.Control), bench.in16(0xb004)]).toEqual([0xffff, 0]);
    bench.device.writeConfig(Config.Miscellaneous, 0, 1);
    expect(bench.in16(0xb004)).toBe(0xffff);
  });

  it('are gone after a reset, and PMBA is a base of 64 ports', () => {
    bench.device.writeConfig(Config.Base, 0xffff_ffff, 4);
    expect(bench.device.readConfig(Config.Base, 4)).toBe(0xffc1);
    bench.reset();
    expect([bench.device.readConfig(Config.Base, 4), bench.in16(Port.Control)]).toEqual([1, 0xffff]);
  });

  it('are where the machine says after a reset, if it does', () => {
    const placed = testBench(Piix4Pm, { options: { base: 0x600 } });
    expect([placed.device.readConfig(Config.Base, 4), placed.in16(Port.Control)]).toEqual([0x601, 0]);
    placed.device.writeConfig(Config.Miscellaneous, 0, 1);
    expect(placed.in16(Port.Control)).toBe(0xffff);
    placed.reset();
    expect(placed.in16(Port.Control)).toBe(0);
  });

  it('come back from a snapshot', () => {
    bench.out16(Port.Enable, 1);
    const other = testBench(Piix4Pm);
    loadDevice(other.device, JSON.parse(JSON.stringify(saveDevice(bench.device))));
    expect(other.in16(Port.Enable)).toBe(1);
  });
});

describe('the ACPI timer', () => {
  it('counts 3,579,545 ticks a second in 24 bits', () => {
    bench.clock.advance(1 * SECOND);
    expect(bench.in32(Port.Timer)).toBe(3_579_545);
    bench.clock.advance(4 * SECOND);
    expect(bench.in32(Port.Timer)).toBe((5 * 3_579_545) % 2 ** 24);
    bench.reset();
    open();
    expect(bench.in32(Port.Timer)).toBe(0);
  });

  it('sets its status when bit 23 changes, to one and to zero, and each time again once that is cleared', () => {
    const before = Math.floor(HalfPeriod);
    bench.clock.advance(before);
    expect([bench.in32(Port.Timer), bench.in16(Port.Status)]).toEqual([0x7f_ffff, 0]);
    bench.clock.advance(1);
    expect([bench.in32(Port.Timer), bench.in16(Port.Status)]).toEqual([0x80_0000, 1]);
    bench.out16(Port.Status, 1);
    expect(bench.in16(Port.Status)).toBe(0);
    bench.clock.advance(Math.ceil(HalfPeriod));
    expect([bench.in32(Port.Timer), bench.in16(Port.Status)]).toEqual([0, 1]);
  });

  it('wakes nothing while its status waits', () => {
    bench.clock.advance(10 * SECOND);
    expect(bench.clock.pendingTimers).toEqual([]);
    bench.out16(Port.Status, 0xfffe);
    expect([bench.in16(Port.Status), bench.clock.pendingTimers]).toEqual([1, []]);
    bench.out16(Port.Status, 1);
    expect(bench.clock.pendingTimers).toHaveLength(1);
  });

  it('goes on in another machine, with its half that is under way', () => {
    bench.clock.advance(2 * SECOND);
    const other = testBench(Piix4Pm, { startAt: bench.clock.now });
    loadDevice(other.device, JSON.parse(JSON.stringify(saveDevice(bench.device))));
    for (const one of [bench, other]) one.clock.advance(400 * MILLISECOND);
    expect([other.in32(Port.Timer), other.in16(Port.Status)]).toEqual([bench.in32(Port.Timer), 1]);
  });
});

describe('the system control interrupt', () => {
  it('is high while an enabled event waits and ACPI is on', () => {
    const { sci } = bench.interrupts;
    bench.out16(Port.Enable, 1);
    bench.clock.advance(3 * SECOND);
    expect(sci.level).toBe(false);
    bench.out16(Port.Control, SciEnable);
    expect(sci.level).toBe(true);
    bench.out16(Port.Enable, 0);
    expect(sci.level).toBe(false);
    bench.out16(Port.Enable, 1);
    bench.out16(Port.Status, 1);
    expect(sci.level).toBe(false);
  });

  it('comes at ISA line 9 of a machine', () => {
    const pm = use(Piix4Pm, { id: 'pm', addr: '01.3', interrupts: { sci: isaIrq(9) } });
    const machine = Machine.create({ ...pcI440fx, devices: [...pcI440fx.devices, pm] });
    const device = machine.device(Piix4Pm);
    device.writeConfig(Config.Base, Base | 1, 4);
    device.writeConfig(Config.Miscellaneous, 1, 1);
    machine.io.write(0x4d1, 0x02, 1);
    machine.io.write(Port.Enable, 1, 2);
    machine.io.write(0xb2, 0xf1, 1);
    machine.clock.advance(3 * SECOND);
    machine.io.write(0xa0, 0x0a, 1);
    expect(machine.io.read(0xa0, 1) & 0x02).toBe(0x02);
  });
});

describe('APM', () => {
  it('switches ACPI on and off by 0xf1 and 0xf0, and nothing else does', () => {
    bench.out8(0xb2, 0xf1);
    expect([bench.in16(Port.Control), bench.in8(0xb2)]).toEqual([SciEnable, 0xf1]);
    bench.out8(0xb2, 0x42);
    expect(bench.in16(Port.Control)).toBe(SciEnable);
    bench.out8(0xb2, 0xf0);
    expect(bench.in16(Port.Control)).toBe(0);
  });

  it('keeps a byte for the guest, which is 0 after a reset, and looks as if its SMI were set up', () => {
    bench.out8(0xb3, 0x5a);
    expect(bench.in8(0xb3)).toBe(0x5a);
    bench.reset();
    expect([bench.in8(0xb3), bench.device.readConfig(Config.ActivityB, 4)]).toEqual([0, 0x0200_0000]);
    expect(bench.guestErrors).toEqual([]);
    bench.device.writeConfig(Config.ActivityB, 0x0200_0001, 4);
    expect(bench.guestErrors.map(({ message }) => message).join()).toContain("field 'below'");
  });
});

describe('sleep', () => {
  it('of type 0 ends the run, and is not kept', () => {
    const pm = use(Piix4Pm, { id: 'pm', addr: '01.3', interrupts: { sci: isaIrq(9) } });
    const machine = Machine.create({ ...pcI440fx, devices: [...pcI440fx.devices, pm] });
    const guest = guestProgram('off', function* (guest) {
      yield* guest.out32(0xcf8, 0x8000_0b40);
      yield* guest.out32(0xcfc, Base | 1);
      yield* guest.out32(0xcf8, 0x8000_0b80);
      yield* guest.out8(0xcfc, 1);
      yield* guest.out16(Port.Control, SleepEnable | SciEnable);
      yield* guest.in8(0x71);
    });
    expect(machine.run(guest)).toMatchObject({ reason: 'powered-off', status: 0 });
    expect(machine.io.read(Port.Control, 2)).toBe(SciEnable);
  });

  it('of another type is noted, and the machine stays awake', () => {
    bench.out16(Port.Control, SleepEnable | (1 << 10));
    expect(bench.requestedPowerOffs).toEqual([]);
    expect(bench.guestErrors.map(({ message }) => message).join()).toContain('sleep type 1');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { Edu, Mc146818Rtc, PciTestdev, VgaText } from '../../devices/index.ts';
import {
  defineMachine,
  device,
  InterruptPin,
  IsaDevice,
  inDeviceEvent,
  input,
  isaIrq,
  MILLISECOND,
  MiB,
  pin,
  place,
  portRegion,
  type UsedDevice,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { infoMtree, infoQtree } from '../../sdk/monitor/index.ts';
import { PciDevice, pci } from '../../sdk/pci.ts';
import { guestProgram, Machine, WiringError } from '../../sdk/runtime.ts';
import { PciFunction } from '../devices/pci-guest.ts';
import { expectRefusal } from '../refusal.ts';
import { pcI440fx } from '../small-machines.ts';

const doorbell = portRegion({ name: 'doorbell', base: 0x300, size: 1 });

/** Does what the test says when the guest rings. */
@device({ type: 'bell', description: 'A port that calls the test' })
class Bell extends IsaDevice {
  readonly irq = new InterruptPin();
  chimes = false;
  ring: () => void = () => {};

  @input()
  chime(level: boolean): void {
    this.chimes = level;
  }

  @doorbell.write()
  write(): void {
    this.ring();
  }
}

@device({ type: 'breaks', description: 'Cannot be realized' })
@pci({ vendorId: 1, deviceId: 2, classCode: 3 })
class Breaks extends PciDevice {
  protected override onRealize(): void {
    throw new Error('no power');
  }
}

let machine: Machine;
const select = (slot: number) => machine.io.write(0xcf8, 0x8000_0000 + slot * 2048, 4);
const vendorAt = (slot: number): number => {
  select(slot);
  return machine.io.read(0xcfc, 2);
};
const texts = () => infoMtree(machine) + infoMtree(machine, { flat: true }) + infoQtree(machine);

beforeEach(() => {
  machine = Machine.create(defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Bell)] }), { ram: 1 * MiB });
});

describe('a device that is plugged in at run time', () => {
  it('is found by the guest where nobody was, reset and with its options', () => {
    expect(vendorAt(5)).toBe(0xffff);
    const plugged = machine.plug(use(Edu, { addr: '05.0', options: { dmaMask: 0xfffn } }));
    expect([vendorAt(5), plugged.id, plugged.options['dmaMask']]).toEqual([0x1234, 'edu', 0xfffn]);
    expect(machine.devices.at(-1)).toBe(plugged);
    expect(infoQtree(machine)).toContain('dev: edu, id "edu"');
  });

  it('takes the first free slot and a free id', () => {
    const first = machine.plug(use(Edu));
    const second = machine.plug(use(Edu));
    expect([first.id, first.address, second.id, second.address]).toEqual(['edu', '02.0', 'edu-2', '03.0']);
  });

  it('changes the guest’s view in one transaction, after what was queued has found the old one', () => {
    const rtc = machine.device(Mc146818Rtc);
    let commits = 0;
    let index = -1;
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out8(0x70, 0x0b);
      }),
    );
    machine.topology.addListener({
      name: 'watch',
      priority: 0,
      begin: () => {
        index = rtc.index;
      },
      commit: () => commits++,
    });
    commits = 0;
    machine.plug(use(Bell, { id: 'second', at: [place(doorbell, 0x301)], interrupts: { irq: isaIrq(5) } }));
    expect([commits, index]).toEqual([1, 0x0b]);
    machine.unplug('second');
    expect(commits).toBe(2);
  });

  it('may be plugged in and taken out by a handler while the guest runs', () => {
    const found: number[] = [];
    const scan = guestProgram(function* (guest) {
      for (let times = 0; times < 3; times++) {
        yield* guest.out32(0xcf8, 0x8000_0000 + 5 * 2048);
        found.push(yield* guest.in16(0xcfc));
        yield* guest.out8(0x300, 1);
      }
    });
    machine.device(Bell).ring = () => {
      if (machine.deviceById('card') === undefined) machine.plug(use(Edu, { id: 'card', addr: '05.0' }));
      else machine.unplug('card');
    };
    expect(machine.run(scan).reason).toBe('finished');
    expect(found).toEqual([0xffff, 0x1234, 0xffff]);
  });

  it('is reset with the machine', () => {
    const { device: edu } = machine.plug(use(Edu)) as unknown as { device: Edu };
    edu.factorial = 5;
    machine.reset();
    expect(edu.factorial).toBe(0);
  });
});

describe('a device that is taken out', () => {
  it('leaves nothing behind, a hundred times over', () => {
    const before = texts();
    const spaces = machine.addressSpaces.length;
    for (let times = 0; times < 100; times++) {
      machine.plug(use(Edu, { addr: '05.0' }));
      machine.plug(use(PciTestdev, { addr: '06.0', options: { membar: 4096 } }));
      for (const [slot, address] of [
        [5, 0xe000_0000],
        [6, 0xe100_0000],
      ] as const) {
        machine.io.write(0xcf8, 0x8000_0010 + slot * 2048, 4);
        machine.io.write(0xcfc, address, 4);
        machine.io.write(0xcf8, 0x8000_0004 + slot * 2048, 4);
        machine.io.write(0xcfc, 7, 2);
      }
      expect(machine.memory.read(0xe000_0000, 4)).toBe(0x0100_00ed);
      machine.unplug('edu');
      machine.unplug('pci-testdev');
    }
    expect(machine.memory.read(0xe000_0000, 4)).toBe(0);
    expect([texts() === before, machine.addressSpaces.length]).toEqual([true, spaces]);
  });

  it('lowers its interrupt and stops its timers', () => {
    const edu = machine.plug(use(Edu, { addr: '01.1' })).device as Edu;
    const clock = machine.service(VirtualClock) as VirtualClock;
    const timers = clock.pendingTimers.length;
    inDeviceEvent(edu, edu.raiseInterrupt, 1);
    edu.startFactorial(5, 0);
    const levels: boolean[] = [];
    edu.interruptOut.connect((level) => levels.push(level));
    expect([levels, clock.pendingTimers.length]).toEqual([[true], timers + 1]);
    machine.unplug('edu');
    expect(clock.pendingTimers.length).toBe(timers);
    machine.clock.advanceTo(10 * MILLISECOND);
    expect(edu.status).toBe(1);
  });

  it('lets go of its wires', () => {
    const bell = machine.plug(
      use(Bell, { id: 'second', at: [place(doorbell, 0x301)], interrupts: { irq: pin('bell', 'chime') } }),
    );
    const other = machine.deviceById('bell')!.device as Bell;
    (bell.device as Bell).irq.set(true);
    expect(other.chimes).toBe(true);
    machine.unplug('second');
    expect(other.chimes).toBe(false);
    (bell.device as Bell).irq.set(false);
    (bell.device as Bell).irq.set(true);
    expect(other.chimes).toBe(false);
  });
});

describe('what cannot be plugged in', () => {
  it.each<[used: UsedDevice, refusal: [code: string, ...named: string[]]]>([
    [use(Edu, { id: 'rtc' }), ['duplicate-id', "'rtc'"]],
    [use(Edu, { addr: '01.0' }), ['bus-address-taken', "'piix3'", "'edu'", '01.0']],
    [use(Edu, { interrupts: { interrupt: pin('nobody', 'chime') } }), ['no-such-device', "'interrupt'", "'nobody'"]],
    [use(Edu, { interrupts: { interrupt: pin('bell', 'irk') } }), ['no-such-pin', "'bell'", "'irk'", 'chime', "'edu'"]],
    [use(Bell), ['region-overlap', "'bell-2' at 0x300", "'bell' at 0x300"]],
    [use(Edu, { options: { dmaMask: -1n } }), ['bad-option', "'edu'", "'dmaMask'"]],
  ])('is refused as when a machine is built, and leaves the machine as it was, case %#', (used, refusal) => {
    const before = texts();
    expect(() => machine.plug(used)).toThrow(WiringError);
    expectRefusal(() => machine.plug(used), ...refusal);
    expect(texts()).toBe(before);
    expect(machine.plug(use(Edu, { addr: '05.0' })).id).toBe('edu');
  });

  it('because it throws when it is realized is taken out again', () => {
    const before = texts();
    expectRefusal(() => machine.plug(use(Breaks)), 'device-failure', 'no power');
    expect(texts()).toBe(before);
    expect(machine.deviceById('breaks')).toBeUndefined();
  });

  it('because of its own condition is said', () => {
    expectRefusal(() => machine.plug(use(Edu, { when: () => false })), 'when-not-met', "'pc-i440fx'", 'Edu');
  });

  it('as a BAR is a region that the machine places', () => {
    const { template } = machine.plug(use(Edu, { id: 'first' })).metadata.regions[0]!;
    const placed = () => machine.plug(use(Edu, { at: [place(template, 0xe000_0000)] }));
    expectRefusal(placed, 'bar-placed', "'edu'", "'edu-mmio'", 'BAR 0');
  });
});

describe('what cannot be taken out', () => {
  it('is said with the reason', () => {
    expectRefusal(() => machine.unplug('vag'), 'no-such-device', "'pc-i440fx'", "'vag'", "'vga'");
    expectRefusal(() => machine.unplug('pic'), 'device-in-use', "'pic'");
    machine.plug(use(Bell, { id: 'second', at: [place(doorbell, 0x301)], interrupts: { irq: pin('bell', 'chime') } }));
    expectRefusal(() => machine.unplug('bell'), 'device-in-use', "'bell'", "pin 'irq' of 'second'");
    machine.unplug('second');
    let refusals = 0;
    machine.device(Bell).ring = () => {
      expectRefusal(() => machine.unplug('bell'), 'inside-handler', "'bell'");
      refusals++;
    };
    machine.io.write(0x300, 1, 1);
    expect(refusals).toBe(1);
    machine.unplug('bell');
    machine.unplug('vga');
    expect(machine.devices.some(({ device: one }) => one instanceof VgaText)).toBe(false);
  });
});

describe('a guest program', () => {
  it('drives a card that came while it ran', () => {
    let answer = 0;
    machine.device(Bell).ring = () => machine.plug(use(Edu));
    const program = guestProgram(function* (guest) {
      yield* guest.out8(0x300, 1);
      const card = yield* PciFunction.find(guest, 0x1234, 0x11e8);
      yield* card.enable(guest, 0xe000_0000);
      answer = yield* guest.load32(0xe000_0000);
    });
    expect(machine.run(program).reason).toBe('finished');
    expect(answer).toBe(0x0100_00ed);
  });
});

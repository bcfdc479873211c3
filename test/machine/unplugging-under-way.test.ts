import { beforeEach, describe, expect, it } from 'vitest';
import { Edu, MsiWindow, VirtioRng } from '../../devices/index.ts';
import {
  defineMachine,
  device,
  IsaBus,
  IsaDevice,
  MILLISECOND,
  MiB,
  portRegion,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { PciDevice, pci } from '../../sdk/pci.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { pcI440fx } from '../small-machines.ts';

const doorbell = portRegion({ name: 'doorbell', base: 0x300, size: 1 });

/** Does what the test says when the guest rings. */
@device({ type: 'bell', description: 'A port that calls the test' })
class Bell extends IsaDevice {
  ring: () => void = () => {};

  @doorbell.write()
  write(): void {
    this.ring();
  }
}

const Slot = 5;
const Bar = 0xe000_0000;
const Register = { Raise: 0x60, Source: 0x80, Destination: 0x88, Count: 0x90, Command: 0x98 } as const;
const Dma = { Run: 1, ToGuest: 2, InterruptWhenDone: 4 } as const;

let machine: Machine;
let commits: number;

function configure(register: number, value: number, size = 4, slot = Slot): void {
  machine.io.write(0xcf8, 0x8000_0000 + slot * 2048 + (register & 0xfc), 4);
  machine.io.write(0xcfc + (register & 3), value, size);
}

const vendorAt = (slot: number, number = 0): number => {
  machine.io.write(0xcf8, 0x8000_0000 + slot * 2048 + number * 256, 4);
  return machine.io.read(0xcfc, 2);
};

/** A card at work: decoded, bus master, its pin routed to ISA interrupt 11. */
function plugEdu(): Edu {
  const { device: edu } = machine.plug(use(Edu, { addr: '05.0' })) as unknown as { device: Edu };
  configure(0x60, 11, 1, 1);
  configure(0x10, Bar);
  configure(0x04, 7, 2);
  return edu;
}

beforeEach(() => {
  machine = Machine.create(defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Bell)] }), { ram: 1 * MiB });
  commits = 0;
  // What the processor sees: the private space of a bus master comes and goes besides.
  machine.topology.addListener({ name: 'watch', priority: 0, commit: () => commits++ }, machine.memory);
});

describe('a card that is taken out', () => {
  it('with its pin up lets the ISA line go down', () => {
    const { lines } = machine.service(IsaBus) as IsaBus;
    plugEdu();
    configure(0x60, 11, 1, 1);
    for (const route of [0x61, 0x62, 0x63]) configure(route, 11, 1, 1);
    machine.memory.write(Bar + Register.Raise, 1, 4);
    expect(lines[11]?.level).toBe(true);
    commits = 0;
    machine.unplug('edu');
    expect([lines[11]?.level, commits, vendorAt(Slot)]).toEqual([false, 1, 0xffff]);
  });

  it('in the middle of a transfer moves nothing any more, and interrupts nobody', () => {
    const edu = plugEdu();
    edu.buffer.fill(0x5a);
    machine.memory.write(Bar + Register.Source, 0x4_0000, 4);
    machine.memory.write(Bar + Register.Destination, 0x1000, 4);
    machine.memory.write(Bar + Register.Count, 16, 4);
    machine.memory.write(Bar + Register.Command, Dma.Run | Dma.ToGuest | Dma.InterruptWhenDone, 4);
    const clock = machine.service(VirtualClock) as VirtualClock;
    expect(clock.pendingTimers.some(({ name }) => name === 'dma')).toBe(true);
    commits = 0;
    machine.unplug('edu');
    machine.clock.advanceTo(200 * MILLISECOND);
    expect([machine.memory.read(0x1000, 4), edu.interrupt.level, commits]).toEqual([0, false, 1]);
    expect(clock.pendingTimers.some(({ name }) => name === 'dma')).toBe(false);
  });

  it('with a message under way leaves that to the processor, and sends no more', () => {
    const edu = plugEdu();
    const capability = edu.capabilityOffset(5) as number;
    configure(capability + 4, 0xfee0_0000);
    configure(capability + 12, 0x41, 2);
    configure(capability + 2, 1, 2);
    machine.memory.write(Bar + Register.Raise, 1, 4);
    const window = machine.device(MsiWindow);
    machine.unplug('edu');
    expect([window.pending, window.acknowledge(), window.pending]).toEqual([true, 0x41, false]);
    edu.raiseInterrupt(1);
    expect(window.pending).toBe(false);
  });

  it('by the guest itself takes its coalesced zone along', () => {
    const { device: rng } = machine.plug(use(VirtioRng, { addr: '05.0' })) as unknown as { device: VirtioRng };
    configure(0x10, 0xc000);
    configure(0x04, 5, 2);
    const zonesAt = (port: number) => machine.accelerator.zones?.ports.filter(({ start }) => start === port).length;
    const seen: unknown[] = [];
    machine.device(Bell).ring = () => {
      seen.push(rng.queueSelect, zonesAt(0xc00e));
      commits = 0;
      machine.unplug('virtio-rng-pci');
      seen.push(zonesAt(0xc00e), commits);
    };
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out16(0xc00e, 3);
        yield* guest.out8(0x300, 1);
        seen.push(yield* guest.in16(0xc00e));
      }),
    );
    expect(seen).toEqual([3, 1, 0, 1, 0xffff]);
  });

  it('takes what waits in the ring before it goes', () => {
    const { device: rng } = machine.plug(use(VirtioRng, { addr: '05.0' })) as unknown as { device: VirtioRng };
    configure(0x10, 0xc000);
    configure(0x04, 5, 2);
    machine.run(
      guestProgram(function* (guest) {
        yield* guest.out16(0xc00e, 3);
      }),
    );
    let queued = rng.queueSelect;
    const begin = () => {
      queued = rng.queueSelect;
    };
    machine.topology.addListener({ name: 'before', priority: 0, begin }, machine.io);
    machine.unplug('virtio-rng-pci');
    expect(queued).toBe(3);
    expect(machine.accelerator.zones?.ports.some(({ start }) => start === 0xc00e)).toBe(false);
  });
});

@device({ type: 'twin', description: 'One of several functions' })
@pci({ vendorId: 0x1111, deviceId: 0x2222, classCode: 0x00ff, multifunction: true })
class Twin extends PciDevice {}

describe('a function that comes to a running machine', () => {
  it('without function 0 is not seen before that comes', () => {
    machine.plug(use(Twin, { id: 'one', addr: '07.1' }));
    machine.plug(use(Twin, { id: 'two', addr: '07.2' }));
    expect([vendorAt(7, 1), vendorAt(7, 2)]).toEqual([0xffff, 0xffff]);
    configure(0x3c, 9, 1, 7);
    machine.plug(use(Twin, { id: 'zero', addr: '07.0' }));
    expect([vendorAt(7), vendorAt(7, 1), vendorAt(7, 2)]).toEqual([0x1111, 0x1111, 0x1111]);
    machine.unplug('zero');
    machine.reset();
    expect([vendorAt(7), vendorAt(7, 1)]).toEqual([0xffff, 0xffff]);
    machine.unplug('one');
    expect(vendorAt(7, 2)).toBe(0xffff);
  });

  it('keeps the others of a machine that was built so in sight', () => {
    const built = defineMachine({
      ...pcI440fx,
      devices: [...pcI440fx.devices, use(Twin, { id: 'one', addr: '07.1' })],
    });
    machine = Machine.create(built, { ram: 1 * MiB });
    expect(vendorAt(7, 1)).toBe(0x1111);
  });
});

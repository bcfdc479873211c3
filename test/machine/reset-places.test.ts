import { describe, expect, it } from 'vitest';
import {
  addCoalescedIo,
  defineMachine,
  device,
  inject,
  MiB,
  mmioRegion,
  ResetController,
  SystemDevice,
  use,
} from '../../sdk/index.ts';
import { bar, PciDevice, pci } from '../../sdk/pci.ts';
import { guestProgram, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { empty, pcI440fx } from '../small-machines.ts';

const page = mmioRegion({ name: 'watchdog', base: 0xfed4_0000, size: 0x1000 });
const Kick = { Log: 0, Reset: 0x10 } as const;

@device({ type: 'watchdog', description: 'Resets the machine by a write to memory' })
@addCoalescedIo(page, { offset: Kick.Log, size: 0x20 })
class Watchdog extends SystemDevice {
  constructor(@inject(ResetController) private readonly machine: ResetController) {
    super();
  }

  @page.write()
  write(_value: number, offset: number): void {
    if (offset === Kick.Reset) this.machine.requestReset('watchdog');
  }
}

const registers = mmioRegion({ name: 'card', size: 0x1000 });

@device({ type: 'watchdog-card', description: 'The same on PCI' })
@pci({ vendorId: 0x1111, deviceId: 0x2222, classCode: 0x00ff })
@bar(0, registers)
@addCoalescedIo(registers, { offset: 0, size: 0x20 })
class WatchdogCard extends PciDevice {
  constructor(@inject(ResetController) private readonly machine: ResetController) {
    super();
  }

  @registers.write()
  write(): void {
    this.machine.requestReset('watchdog');
  }
}

const untimed = () => simulatedAccelerator({ drain: 'on-access' });
const idle = guestProgram(function* () {});

describe('a policy without a timer', () => {
  it('is refused on a machine where a reset by a write to memory could wait for ever', () => {
    const machine = defineMachine({ ...empty, devices: [use(Watchdog)] });
    const create = () => Machine.create(machine, { ram: 1 * MiB, accelerator: untimed() });
    expectRefusal(create, 'hidden-reset', 'drain=on-access', "'watchdog' at 0xfed40000", 'coalesced-mmio');
    expect(() => Machine.create(machine, { ram: 1 * MiB })).not.toThrow();
  });

  it('is refused once the guest has put such a BAR where its writes coalesce', () => {
    const definition = defineMachine({
      ...pcI440fx,
      devices: [...pcI440fx.devices, use(WatchdogCard, { addr: '05.0' })],
    });
    const machine = Machine.create(definition, {
      ram: 1 * MiB,
      accelerator: untimed(),
      options: { resetControl: 'overlay' },
    });
    const configure = (register: number, value: number) => {
      machine.io.write(0xcf8, 0x8000_2800 + register, 4);
      machine.io.write(0xcfc, value, 4);
    };
    expect(machine.run(idle).reason).toBe('finished');
    configure(0x10, 0xe000_0000);
    configure(0x04, 0x2);
    const outcome = machine.run(idle);
    expect(outcome).toMatchObject({ reason: 'halted', operations: 0 });
    expect(outcome.message).toContain("swallows 'BAR 0 of watchdog-card' at 0xe0000000");
    configure(0x04, 0);
    expect(machine.run(idle).reason).toBe('finished');
  });
});

import { ContainerModule } from 'inversify';
import {
  addCoalescedIo,
  DeviceOptions,
  defineMachine,
  defineOptions,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaBus,
  IsaDevice,
  inject,
  input,
  isaIrq,
  type MachineDefinition,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  ResetController,
  SystemDevice,
  VirtualClock,
} from '../../sdk/index.ts';
import { PciBus, PciDevice, pci } from '../../sdk/pci.ts';
import { MachineBoard } from '../../sdk/runtime.ts';

/** Small devices that do little and show everything. */

export const latchPorts = portRegion({ name: 'latch', base: 0x70, size: 2, accessSizes: [1] });
export const latchOptions = defineOptions({
  iobase: option.integer({
    description: 'first port',
    default: 0x70,
    range: [0, 0xfffe],
    places: latchPorts,
  }),
  irq: option.integer({
    description: 'interrupt line',
    default: 8,
    range: [0, 15],
    wires: { pin: 'irq', to: isaIrq },
  }),
  initial: option.integer({ description: 'what the latch holds after reset', default: 0, range: [0, 255] }),
});

/** Port 0 chooses, port 1 holds: a write of data raises the pin. */
@device({ type: 'latch', description: 'a byte and an interrupt' })
@addCoalescedIo(latchPorts, { offset: 0, size: 1 })
export class Latch extends IsaDevice {
  readonly irq = new InterruptPin();
  index = 0;
  value = 0;
  held = false;
  resets: number[] = [];

  constructor(
    @inject(VirtualClock) readonly clock: VirtualClock,
    @options(latchOptions) readonly config: OptionsOf<typeof latchOptions>,
  ) {
    super();
  }

  @input()
  hold(level: boolean): void {
    this.held = level;
  }

  @latchPorts.write(0)
  choose(value: number): void {
    this.index = value;
  }

  @latchPorts.read(1)
  read(): number {
    return this.value;
  }

  @latchPorts.write(1)
  write(value: number): void {
    this.value = value;
    this.irq.set(value !== 0);
  }

  override reset(): void {
    this.value = this.config.initial;
    this.resets.push(this.clock.now);
  }
}

export const widePorts = portRegion({ name: 'wide', base: 0x300, size: 8 });

@device({ type: 'wide', description: 'eight ports' })
export class Wide extends IsaDevice {
  @widePorts.read()
  read(): number {
    return 0;
  }
}

export const screen = mmioRegion({ name: 'screen', base: 0xa0000, size: 0x2_0000, priority: 1 });

@device({ type: 'screen', description: 'a window of memory' })
@addCoalescedIo(screen, { offset: 0, size: 0x2_0000 })
export class Screen extends IsaDevice {
  @screen.read()
  read(): number {
    return 0;
  }

  @screen.write()
  write(): void {}
}

export abstract class Absent {
  abstract readonly nothing: string;
}

/** Asks for a service that no module binds. */
@device({ type: 'needy', description: 'asks for what is not there' })
export class Needy extends IsaDevice {
  constructor(@inject(Absent) readonly absent: Absent) {
    super();
  }
}

@device({ type: 'card', description: 'a PCI function' })
@pci({ vendorId: 0x1234, deviceId: 0x5678, classCode: 0xff00 })
export class Card extends PciDevice {}

const resetPort = portRegion({ name: 'reset-port', base: 0xcf9, size: 1, priority: 1, accessSizes: [1] });

@device({ type: 'resetter', description: 'a port that resets' })
export class Resetter extends IsaDevice {
  constructor(@inject(ResetController) private readonly controller: ResetController) {
    super();
  }

  @resetPort.write()
  write(value: number): void {
    if (value & 4) this.controller.requestReset('reset port');
  }
}

const addressPort = portRegion({ name: 'address', base: 0xcf8, size: 4 });
const dataPort = portRegion({ name: 'data', base: 0xcfc, size: 4 });

@device({ type: 'bridge', description: 'an address register of 32 bits' })
@addCoalescedIo(addressPort, { offset: 0, size: 4 })
@flushCoalescedIo(dataPort)
export class Bridge extends SystemDevice {
  address = 0;

  @addressPort.write(0, { size: 4 })
  writeAddress(value: number): void {
    this.address = value;
  }

  @dataPort.read()
  readData(): number {
    return this.address;
  }
}

/** Extends Latch without @device: its declarations were never checked. */
export class Undeclared extends Latch {}

export const toyBuses = new ContainerModule(({ bind }) => {
  bind(IsaBus).toResolvedValue(({ ports, system }) => new IsaBus({ io: ports, memory: system }), [MachineBoard]);
  bind(PciBus).toResolvedValue(({ ports, system }) => new PciBus({ io: ports, memory: system }), [MachineBoard]);
});

export const toyMachine: MachineDefinition = defineMachine({
  name: 'toy',
  description: 'buses and nothing on them',
  services: [toyBuses],
  devices: [],
});

export { DeviceOptions };

import { refuseNotifier } from '../../sdk/bus/event-notifiers.ts';
import { realizeDevice } from '../../sdk/device/regions/build.ts';
import { BackplaneError, device, IsaBus, IsaDevice, MemoryRegion, mmioRegion, portRegion } from '../../sdk/index.ts';
import {
  bar,
  capability,
  configRegisters,
  expansionRom,
  IsaBridge,
  msi,
  msix,
  PciBus,
  PciDevice,
  pci,
} from '../../sdk/pci.ts';
import { GuestErrors, MemoryTopology, metadataOf } from '../../sdk/runtime.ts';
import { goldenMessages } from '../golden-messages.ts';
import { serialProvocations } from './serial-messages.ts';
import { virtioProvocations } from './virtio-messages.ts';

const identity = { vendorId: 0x1234, deviceId: 1, classCode: 2 } as const;
const registers = mmioRegion({ name: 'registers', size: 4096 });
const vectors = { vectors: 2, table: { bar: 5, offset: 0 }, pba: { bar: 5, offset: 0x800 } } as const;
const more = mmioRegion({ name: 'more', size: 4096 });
const topology = new MemoryTopology();
const containers = () => ({
  io: MemoryRegion.container(topology, 'io', 0x1_0000),
  memory: MemoryRegion.container(topology, 'memory', 2 ** 32),
});

/** A class on which one of the functions under test fails. */
const card = () => class Card extends PciDevice {};

@device({ type: 'plain', description: 'A function with a BAR, messages and a ROM' })
@pci(identity)
@bar(0, registers)
@msi()
@msix(vectors)
@expansionRom({ name: 'plain.rom', size: 2048 })
class Plain extends PciDevice {
  notify(vector: number): void {
    this.sendMessage(vector);
  }
}

@device({ type: 'nobody', description: 'Has no @pci' })
class Nobody extends PciDevice {}

@device({ type: 'bridge', description: 'Routes to ISA' })
@pci(identity)
class Bridge extends IsaBridge {
  protected routeOf(): number {
    return 0;
  }
}

function plugged(bus = new PciBus(containers())): Plain {
  const plain = new Plain();
  realizeDevice(plain, { id: 'plain', topology, guestErrors: new GuestErrors() });
  bus.register(plain, { slot: 1, function: 0 });
  return plain;
}

goldenMessages('bus', {
  ...virtioProvocations,
  ...serialProvocations,
  'bar-region-twice': () => bar(1, registers)(class Card extends Plain {}),
  'bar-register-taken': () => bar(0, more)(class Card extends Plain {}),
  'bar-with-base': () => bar(0, mmioRegion({ name: 'placed', base: 0xfe00_0000, size: 16 }))(card()),
  'capability-misplaced': () => capability({ id: 9, contents: [0], offset: 0x42 })(card()),
  'capability-twice': () => capability({ id: 5, contents: [0] })(class Card extends Plain {}),
  'configuration-space-full': () => {
    @device({ type: 'full', description: 'Too many capabilities' })
    @pci(identity)
    @capability({ id: 9, contents: Array(100).fill(0) })
    @capability({ id: 10, contents: Array(100).fill(0) })
    class Full extends PciDevice {}
    return new Full();
  },
  'contradicting-state': () => {
    const bridge = new Bridge(new PciBus(containers()), new IsaBus(containers()), 4);
    Object.assign(Reflect.get(bridge, 'pirqLevels'), [true]);
    bridge.onStateLoaded(1);
  },
  'eventfd-name-taken': () => refuseNotifier('queue0', new Set(['queue0']), 'rng'),
  'expansion-rom-twice': () => plugged().bars.addRom(MemoryRegion.rom(topology, 'second', 2048)),
  'hidden-pci-function': () => {
    const card = { metadata: metadataOf(Plain) };
    const at = (slot: number, number: number) => ({
      ...card,
      id: `card${number}`,
      address: { slot, function: number },
    });
    const [problem] = new PciBus(containers()).check([at(2, 0), at(2, 3)]);
    if (problem !== undefined) throw new BackplaneError(problem.code, problem.message);
  },
  'incomplete-pci-identity': () => pci({ vendorId: 1, deviceId: 1 } as never)(card()),
  'invalid-bar-kind': () => bar(0, portRegion({ name: 'ports', size: 32 }), { is64Bit: true })(card()),
  'invalid-bar-size': () => bar(0, mmioRegion({ name: 'odd', size: 0x1800 }))(card()),
  'invalid-capability': () => capability({ id: 0x100, contents: [] })(card()),
  'invalid-expansion-rom': () => expansionRom({ name: 'card.rom', size: 1024 })(card()),
  'invalid-msi-vectors': () => msi({ vectors: 3 })(card()),
  'invalid-msix-vectors': () => msix({ ...vectors, vectors: 0 })(card()),
  'invalid-pci-address': () => new PciBus(containers()).register(new Plain(), { slot: 32, function: 0 }),
  'invalid-pci-identity': () => pci({ ...identity, vendorId: 0xffff })(card()),
  'missing-pci-identity': () => new Nobody(),
  'msix-misplaced': () => msix({ ...vectors, pba: { bar: 5, offset: 8 } })(card()),
  'pci-address-taken': () => {
    const bus = new PciBus(containers());
    plugged(bus);
    plugged(bus);
  },
  'pci-bus-full': () => {
    const bus = new PciBus(containers());
    for (let slot = 0; slot < 32; slot++) bus.register(new Plain(), { slot, function: 0 });
    bus.freeSlot();
  },
  'pci-function-plugged-twice': () => {
    const bus = new PciBus(containers());
    bus.register(plugged(bus), { slot: 2, function: 0 });
  },
  'too-many-eventfds': () => refuseNotifier('queue', new Set(Array.from({ length: 1024 }, (_, n) => `${n}`)), 'rng'),
  'register-in-pci-header': () => {
    @device({ type: 'own-status', description: 'A register where the header is' })
    @pci(identity)
    class OwnStatus extends PciDevice {
      @configRegisters.register(0x06, { width: 16 }) status = 0;
    }
    return new OwnStatus();
  },
  'unknown-bar': () => bar(6, registers)(card()),
  'unknown-interrupt-line': () => new IsaBus(containers()).line(16),
  'unknown-msi-vector': () => {
    const plain = plugged();
    plain.writeConfig((plain.capabilityOffset(5) as number) + 2, 1, 2);
    plain.notify(1);
  },
  'unknown-msix-vector': () => {
    const plain = plugged();
    plain.writeConfig((plain.capabilityOffset(0x11) as number) + 2, 0x8000, 2);
    plain.notify(2);
  },
  'wrong-bus': () => pci(identity)(class Uart extends IsaDevice {} as never),
});

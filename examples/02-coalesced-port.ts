// An index port and a data port, as in palettes, clocks and configuration spaces. An index has no effect until the data
// port is accessed. So KVM may queue the write in its coalescing ring, without an exit to userspace.
import { addCoalescedIo, device, flushCoalescedIo, IsaDevice, portRegion, use } from 'backplane';
import { isapc } from 'backplane/machines';
import { guestProgram, Machine, simulatedAccelerator } from 'backplane/runtime';

const indexPort = portRegion({ name: 'palette-index', base: 0x3c8, size: 1, accessSizes: [1] });
const dataPort = portRegion({ name: 'palette-data', base: 0x3c9, size: 1, accessSizes: [1] });

/** Sixteen colours: the index port selects one, the data port reads and writes it. */
@device({ type: 'palette', description: 'Sixteen colours' })
@addCoalescedIo(indexPort, { offset: 0, size: 1 })
@flushCoalescedIo(dataPort)
class Palette extends IsaDevice {
  readonly colours = new Uint8Array(16);
  index = 0;

  @indexPort.write()
  select(value: number): void {
    this.index = value & 15;
  }

  @dataPort.read()
  readColour(): number {
    return this.colours[this.index] ?? 0;
  }

  @dataPort.write()
  writeColour(value: number): void {
    this.colours[this.index] = value;
  }
}

const program = guestProgram('palette', function* (guest) {
  for (let index = 0; index < 16; index++) {
    yield* guest.out8(0x3c8, index);
    yield* guest.out8(0x3c9, 3 * index);
  }
});

for (const coalescedPio of [false, true]) {
  const machine = Machine.create(
    { ...isapc, devices: [...isapc.devices, use(Palette)] },
    { accelerator: simulatedAccelerator({ coalescedPio }) },
  );
  machine.run(program);
  const { vmExits, userspaceExits, coalescedWrites } = machine.accelerator.statistics;
  console.log(`coalesced-pio=${coalescedPio ? 'on' : 'off'}: ${vmExits} VM exits, ${userspaceExits} to userspace,`);
  console.log(`  ${coalescedWrites} writes coalesced; colour 7 is ${machine.device(Palette).colours[7]}`);
}

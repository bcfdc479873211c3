import { expect, it } from 'vitest';
import { defineMachine, device, IsaDevice, mmioRegion, use } from '../../sdk/index.ts';
import { expansionRom, PciBus, PciCommand, PciDevice, PciRegister, pci } from '../../sdk/pci.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { pcI440fx } from '../small-machines.ts';

const words = mmioRegion({ name: 'words', base: 0xfed0_0000, size: 16, accessSizes: [4] });

@device({ type: 'words', description: 'Takes four bytes at once, and no fewer' })
class Words extends IsaDevice {
  @words.read(0)
  read(): number {
    return 7;
  }
}

@device({ type: 'boot-card', description: 'A card with an expansion ROM' })
@pci({ vendorId: 0x1234, deviceId: 1, classCode: 0x0200 })
@expansionRom({ name: 'boot-rom', size: 2048, image: new Uint8Array([0x55, 0xaa]) })
class BootCard extends PciDevice {}

it('What a region refuses is a guest error of its device that says why: too narrow, or only to be read', () => {
  const devices = [...pcI440fx.devices, use(Words), use(BootCard, { addr: '06.0' })];
  const machine = Machine.create(defineMachine({ ...pcI440fx, devices }));
  const rom = 0xe000_0000;
  const bus = machine.service(PciBus) as PciBus;
  bus.writeConfig(6 * 2048 + PciRegister.ExpansionRom, rom + 1, 4);
  bus.writeConfig(6 * 2048 + PciRegister.Command, PciCommand.Memory, 2);
  const seen: number[] = [];
  machine.run(
    guestProgram(function* (guest) {
      seen.push(yield* guest.load8(0xfed0_0000));
      yield* guest.store16(rom, 0x1234);
      seen.push(yield* guest.load16(rom));
    }),
  );
  expect(seen).toEqual([0, 0xaa55]);
  expect(machine.guestErrors.map(({ device: who, message }) => `${who}: ${message}`)).toEqual([
    "words: read of offset 0x0 (1 byte) of region 'words': the region does not accept this width or alignment",
    "boot-card: write to offset 0x0 (2 bytes) of region 'boot-rom': it is read-only",
  ]);
});

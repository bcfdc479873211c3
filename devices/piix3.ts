import { device, IsaBus, inject, ResetController, reserved } from '../sdk/index.ts';
import { IsaBridge, PciBus, pci, resetControlFields, resetControlPort, resetReason } from '../sdk/pci.ts';

const Register = { Status: 0x06, Routes: 0x60 } as const;
const MediumSpeed = 0x0200;

/**
 * Bit 7 disables a route. So does every number that is no ISA interrupt line.
 *
 * @see QEMU 7.2, hw/isa/piix3.c, piix3_set_irq_level_internal: the whole byte is compared with 16
 */
const Unrouted = 0x80;
const Pirqs = 4;

/**
 * Register values after reset. Registers that are not listed keep their contents.
 *
 * @see Intel 82371SB (PIIX3) datasheet, order number 290550, "PCI Configuration Registers (Function 0)", default values
 * @see QEMU 7.2, hw/isa/piix3.c, piix3_reset
 */
const afterReset = [
  [0x4c, 0x4d],
  [0x4e, 0x03, 0x00],
  [Register.Routes, Unrouted, Unrouted, Unrouted, Unrouted],
  [0x69, 0x02],
  [0x70, 0x80],
  [0x76, 0x0c, 0x0c, 0x02, 0x00],
  [0x80, 0x00],
  [0x82, 0x00],
  [0xa0, 0x08],
  [0xa2, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f],
  [0xaa, 0x00, 0x00, 0x00],
  [0xae, 0x00],
] as const;

/**
 * @see Intel 82371SB (PIIX3) datasheet, "RC - Reset Control Register", port 0xcf9; QEMU 7.2, hw/isa/piix3.c, rcr_write
 */
const resetControl = resetControlPort('piix3-reset-control').register(0, {
  width: 8,
  fields: { ...resetControlFields, unused: reserved(0, [3, 7]) },
});

/**
 * The PIIX3 at 00:01.0, bridge to the ISA bus. It routes the four PCI interrupts (PIRQ A to D) to ISA interrupt lines.
 * Its register at 0xcf9 resets the machine.
 *
 * A hostile guest can route PCI interrupts to any ISA line, or all to one, and can reset its machine as often as it
 * likes. Only the values 0 to 15 of a route have an effect.
 *
 * @see Intel 82371SB (PIIX3) datasheet, "PIRQRC[A:D] - PIRQx Route Control Registers"
 * @see QEMU 7.2, hw/isa/piix3.c, piix3_write_config
 */
@device({ type: 'PIIX3', description: 'Intel 82371SB PCI to ISA bridge' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x7000,
  classCode: 0x0601,
  multifunction: true,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class Piix3 extends IsaBridge {
  @resetControl resetControl = 0;

  constructor(
    @inject(PciBus) pciBus: PciBus,
    @inject(IsaBus) isa: IsaBus,
    @inject(ResetController) private readonly machine: ResetController,
  ) {
    super(pciBus, isa, Pirqs, afterReset);
    this.config.set(Register.Status, MediumSpeed, 2);
  }

  @resetControl.onWrite()
  requestReset(value: number, previous: number): void {
    if ((value & resetControl.fields.now.mask) === 0) return;
    this.resetControl = previous;
    this.machine.requestReset(resetReason(value & resetControl.fields.hardNextTime.mask ? 'hard' : 'soft'));
  }

  protected override onConfigWrite(offset: number, size: number): void {
    if (offset < Register.Routes + Pirqs && Register.Routes < offset + size) this.driveIsaLines();
  }

  protected override routeOf(pirq: number): number {
    return this.config.get(Register.Routes + pirq, 1);
  }
}

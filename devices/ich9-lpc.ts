import { bit, device, IsaBus, inject, ResetController, reserved } from '../sdk/index.ts';
import { IsaBridge, PciBus, pci, resetControlFields, resetControlPort, resetReason } from '../sdk/pci.ts';

const Register = { PowerManagementBase: 0x40, RoutesAToD: 0x60, RoutesEToH: 0x68, PowerManagement1: 0xa0 } as const;
/**
 * SMI_LOCK: once set it stays set, also over a reset of the machine.
 *
 * @see Intel ICH9 Family datasheet, order number 316972, "GEN_PMCON_1 - General PM Configuration 1 Register"
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_pmcon_update
 */
const SmiLock = 0x10;
const Pirqs = 8;
/**
 * Bit 7 disables a route. The low four bits are an ISA interrupt line.
 *
 * @see Intel ICH9 Family datasheet, "PIRQ[n]_ROUT - PIRQ[A,B,C,D] Routing Control Register"
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_rout
 */
const Route = { Off: 0x80, Line: 0x0f } as const;
/** No ISA interrupt line. */
const Unrouted = 0xff;

/** Register values after reset. The others keep their contents. @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_reset */
const afterReset = [
  [Register.PowerManagementBase, 0x01, 0x00, 0x00, 0x00, 0x00],
  [Register.RoutesAToD, Route.Off, Route.Off, Route.Off, Route.Off],
  [Register.RoutesEToH, Route.Off, Route.Off, Route.Off, Route.Off],
  [0xf0, 0x00, 0x00, 0x00, 0x00],
] as const;

/**
 * @see Intel ICH9 Family datasheet, "RST_CNT - Reset Control Register"; QEMU 7.2, hw/isa/lpc_ich9.c, ich9_rst_cnt_write
 */
const resetControl = resetControlPort('lpc-reset-control').register(0, {
  width: 8,
  fields: {
    ...resetControlFields,
    full: bit(3, 'read-write', { description: 'the next reset cycles the power too' }),
    unused: reserved(0, [4, 7]),
  },
});

/**
 * The LPC bridge of ICH9 at 00:1f.0, the way of a Q35 to ISA devices. It routes the eight PCI interrupts (PIRQ A to H)
 * to ISA interrupt lines. Its register at 0xcf9 resets the machine. The base registers of power management and of the
 * RCRB exist; the blocks at those addresses are not modelled.
 *
 * A hostile guest can route PCI interrupts to any ISA line, or all to one, and can reset its machine as often as it
 * likes.
 *
 * @see Intel ICH9 Family datasheet, order number 316972, "LPC Interface Bridge Registers (D31:F0)"
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_config_write
 */
@device({ type: 'ICH9-LPC', description: 'Intel ICH9 LPC bridge' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x2918,
  revision: 2,
  classCode: 0x0601,
  multifunction: true,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class Ich9Lpc extends IsaBridge {
  @resetControl resetControl = 0;

  constructor(
    @inject(PciBus) pciBus: PciBus,
    @inject(IsaBus) isa: IsaBus,
    @inject(ResetController) private readonly machine: ResetController,
  ) {
    super(pciBus, isa, Pirqs, afterReset);
    this.config.setWritable(Register.PowerManagementBase, 0xff87, 4);
  }

  @resetControl.onWrite()
  requestReset(value: number, previous: number): void {
    if ((value & resetControl.fields.now.mask) === 0) return;
    this.resetControl = previous;
    const { full, hardNextTime } = resetControl.fields;
    this.machine.requestReset(resetReason(value & full.mask ? 'full' : value & hardNextTime.mask ? 'hard' : 'soft'));
  }

  protected override onConfigWrite(offset: number, size: number): void {
    const isLocked = (this.config.get(Register.PowerManagement1, 1) & SmiLock) !== 0;
    this.config.setWritable(Register.PowerManagement1, isLocked ? 0xff & ~SmiLock : 0xff, 1);
    if (offset < Register.RoutesEToH + 4 && Register.RoutesAToD < offset + size) this.driveIsaLines();
  }

  protected override routeOf(pirq: number): number {
    const route = this.config.get(pirq < 4 ? Register.RoutesAToD + pirq : Register.RoutesEToH + pirq - 4, 1);
    return (route & Route.Off) !== 0 ? Unrouted : route & Route.Line;
  }
}

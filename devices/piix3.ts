import { bit, bits, device, IsaBus, inject, ResetController, reserved, undocumented } from '../sdk/index.ts';
import {
  configRegisters,
  IsaBridge,
  PciBus,
  pci,
  resetControlFields,
  resetControlPort,
  resetReason,
} from '../sdk/pci.ts';

const Pirqs = 4;

/**
 * A number that is no ISA interrupt line disables the route too.
 *
 * @see Intel 82371SB (PIIX3) datasheet, "PIRQRC[A:D] - PIRQx Route Control Registers"
 * @see QEMU 7.2, hw/isa/piix3.c, piix3_set_irq_level_internal: the whole byte is compared with 16
 */
const routes = configRegisters.register(0x60, {
  width: 8,
  count: Pirqs,
  reset: 0x80,
  since: 2,
  name: 'pirqRoute',
  description: 'the ISA interrupt line of PIRQ A to D',
  fields: {
    line: bits(0, 3, 'read-write', { description: 'an ISA interrupt line' }),
    unused: undocumented([4, 6]),
    disabled: bit(7, 'read-write', { description: 'no interrupt is routed' }),
  },
});

/** What other chips of the board do, or none: the guest finds it here as on the chip. */
const stored = (offset: number, width: 8 | 16 | 32, reset: number, description: string) =>
  configRegisters.register(offset, { width, reset, since: 2, description });

/**
 * @see Intel 82371SB (PIIX3) datasheet, "RC - Reset Control Register", port 0xcf9; QEMU 7.2, hw/isa/piix3.c, rcr_write
 */
const resetControl = resetControlPort('piix3-reset-control').register(0, {
  width: 8,
  fields: { ...resetControlFields, unused: reserved(0, [3, 7]) },
});

/**
 * The PIIX3 at 00:01.0, bridge to the ISA bus. It routes the four PCI interrupts (PIRQ A to D) to ISA interrupt lines.
 * Its register at 0xcf9 resets the machine. The other registers of its configuration space hold what is written.
 *
 * A hostile guest can route PCI interrupts to any ISA line, or all to one, and can reset its machine as often as it
 * likes. Only the values 0 to 15 of a route have an effect.
 *
 * @see Intel 82371SB (PIIX3) datasheet, order number 290550, "PCI Configuration Registers (Function 0)", default values
 * @see QEMU 7.2, hw/isa/piix3.c, piix3_reset, piix3_write_config
 */
@device({ type: 'PIIX3', description: 'Intel 82371SB PCI to ISA bridge', version: 2 })
@pci({
  vendorId: 0x8086,
  deviceId: 0x7000,
  classCode: 0x0601,
  deviceSelect: 'medium',
  multifunction: true,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class Piix3 extends IsaBridge {
  @resetControl resetControl = 0;
  @stored(0x4c, 8, 0x4d, 'IORT: recovery times of ISA accesses') ioRecovery = 0x4d;
  @stored(0x4e, 16, 0x0003, 'XBCS: chip selects of the X-Bus') chipSelects = 0x0003;
  @routes readonly routes = new Uint8Array(Pirqs).fill(0x80);
  @stored(0x69, 8, 0x02, 'TOM: top of memory for ISA masters') topOfMemory = 0x02;
  @stored(0x70, 8, 0x80, 'MBIRQ0: the route of the board interrupt') boardInterruptRoute = 0x80;
  @stored(0x76, 16, 0x0c0c, 'MBDMA0, MBDMA1: types of the board DMA') boardDma = 0x0c0c;
  @stored(0x78, 16, 0x0002, 'PCSC: a programmable chip select') programmableSelect = 0x0002;
  @stored(0x80, 8, 0x00, 'APICBASE: where the I/O APIC is') apicBase = 0x00;
  @stored(0x82, 8, 0x00, 'DLC: deterministic latency') deterministicLatency = 0x00;
  @stored(0xa0, 8, 0x08, 'SMICNTL: system management interrupts') smiControl = 0x08;
  @stored(0xa2, 16, 0x0000, 'SMIEN: their causes') smiEnable = 0x0000;
  @stored(0xa4, 32, 0, 'SEE: system events') systemEvents = 0;
  @stored(0xa8, 8, 0x0f, 'FTMR: the fast-off timer') fastOffTimer = 0x0f;
  @stored(0xaa, 16, 0x0000, 'SMIREQ: which of them waits') smiRequest = 0x0000;
  @stored(0xac, 8, 0x00, 'CTLTMR: low count of the clock throttle') throttleLow = 0x00;
  @stored(0xae, 8, 0x00, 'CTHTMR: high count of the clock throttle') throttleHigh = 0x00;

  constructor(
    @inject(PciBus) pciBus: PciBus,
    @inject(IsaBus) isa: IsaBus,
    @inject(ResetController) private readonly machine: ResetController,
  ) {
    super(pciBus, isa, Pirqs);
  }

  @resetControl.onWrite()
  requestReset(value: number, previous: number): number {
    if ((value & resetControl.fields.now.mask) === 0) return value;
    this.machine.requestReset(resetReason(value & resetControl.fields.hardNextTime.mask ? 'hard' : 'soft'));
    return previous;
  }

  @routes.onWrite()
  reroute(): void {
    this.driveIsaLines();
  }

  protected override routeOf(pirq: number): number {
    return this.routes[pirq] as number;
  }
}

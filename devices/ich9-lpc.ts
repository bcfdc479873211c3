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

const Offset = {
  PowerManagementBase: 0x40,
  AcpiControl: 0x44,
  RoutesAToD: 0x60,
  RoutesEToH: 0x68,
  PowerManagement1: 0xa0,
  Rcba: 0xf0,
};
const Pirqs = 8;
/** No ISA interrupt line. */
const Unrouted = 0xff;

/**
 * @see Intel ICH9 Family datasheet, order number 316972, "PMBASE - ACPI Base Address Register"
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_realize: bits 0 to 2 can be written there
 */
const powerManagementBase = configRegisters.register(Offset.PowerManagementBase, {
  width: 32,
  reset: 0x0000_0001,
  since: 2,
  description: 'PMBASE: the ports of power management',
  fields: {
    isPorts: bit(0, 'read-write', { description: 'always set on the chip' }),
    written: bits(1, 2, 'read-write', { description: 'reserved on the chip' }),
    base: bits(7, 15, 'read-write', { description: 'bits 15 to 7 of the first port' }),
    unused: reserved([3, 6], [16, 31]),
  },
});

/** @see Intel ICH9 Family datasheet, "ACPI_CNTL - ACPI Control Register" */
const acpiControl = configRegisters.register(Offset.AcpiControl, {
  width: 8,
  since: 2,
  description: 'ACPI_CNTL',
  fields: {
    sciIrq: bits(0, 2, 'unimplemented', { description: 'the line of the system control interrupt' }),
    unused: undocumented([3, 6]),
    enable: bit(7, 'unimplemented', { description: 'decodes the ports of power management' }),
  },
});

const route = {
  width: 8,
  count: 4,
  reset: 0x80,
  since: 2,
  fields: {
    line: bits(0, 3, 'read-write', { description: 'an ISA interrupt line' }),
    unused: undocumented([4, 6]),
    disabled: bit(7, 'read-write', { description: 'no interrupt is routed' }),
  },
} as const;

/**
 * @see Intel ICH9 Family datasheet, "PIRQ[n]_ROUT - PIRQ[A,B,C,D] Routing Control Register" and the one of E to H
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_rout
 */
const routesAToD = configRegisters.register(Offset.RoutesAToD, {
  ...route,
  name: 'pirqRouteAToD',
  description: 'the ISA interrupt line of PIRQ A to D',
});
const routesEToH = configRegisters.register(Offset.RoutesEToH, {
  ...route,
  name: 'pirqRouteEToH',
  description: 'the ISA interrupt line of PIRQ E to H',
});
const { disabled, line } = routesAToD.fields;

/**
 * @see Intel ICH9 Family datasheet, "GEN_PMCON_1 - General PM Configuration 1 Register"
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_pmcon_update: no reset of the machine unlocks it
 */
const powerManagement1 = configRegisters.register(Offset.PowerManagement1, {
  width: 16,
  atReset: 'kept',
  since: 2,
  description: 'GEN_PMCON_1',
  fields: {
    below: bits(0, 3, 'unimplemented', { description: 'rate of periodic SMIs, stopping of clocks' }),
    smiLock: bit(4, 'write-one-to-set', { description: 'SMIs stay enabled' }),
    above: bits(5, 15, 'unimplemented', { description: 'sleep of the processor, wake-up' }),
  },
});

/** @see Intel ICH9 Family datasheet, "RCBA - Root Complex Base Address Register" */
const rootComplexBase = configRegisters.register(Offset.Rcba, {
  width: 32,
  since: 2,
  description: 'RCBA: the memory of the root complex registers',
  fields: {
    enable: bit(0, 'unimplemented', { description: 'maps them' }),
    unused: undocumented([1, 13]),
    base: bits(14, 31, 'unimplemented', { description: 'bits 31 to 14 of the address' }),
  },
});

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
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_lpc_config_write and ich9_lpc_reset
 */
@device({ type: 'ICH9-LPC', description: 'Intel ICH9 LPC bridge', version: 2 })
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
  @powerManagementBase powerManagementBase = 0x0000_0001;
  @acpiControl acpiControl = 0;
  @routesAToD readonly routesAToD = new Uint8Array(4).fill(0x80);
  @routesEToH readonly routesEToH = new Uint8Array(4).fill(0x80);
  @powerManagement1 powerManagement1 = 0;
  @rootComplexBase rootComplexBase = 0;

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
    const { full, hardNextTime } = resetControl.fields;
    this.machine.requestReset(resetReason(value & full.mask ? 'full' : value & hardNextTime.mask ? 'hard' : 'soft'));
    return previous;
  }

  @routesAToD.onWrite()
  @routesEToH.onWrite()
  reroute(): void {
    this.driveIsaLines();
  }

  protected override routeOf(pirq: number): number {
    const route = (pirq < 4 ? this.routesAToD[pirq] : this.routesEToH[pirq - 4]) as number;
    return (route & disabled.mask) !== 0 ? Unrouted : line.of(route);
  }
}

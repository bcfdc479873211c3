import {
  bit,
  type ConfigurationContents,
  device,
  IsaBridge,
  IsaBus,
  inject,
  PciBus,
  pci,
  ResetController,
  reserved,
  resetControlFields,
  resetControlPort,
  resetReason,
} from '../sdk/index.ts';

const Register = { PowerManagementBase: 0x40, RoutesAToD: 0x60, RoutesEToH: 0x68, PowerManagement1: 0xa0 } as const;
/** Once set it stays, over a reset too. */
const SmiLock = 0x10;
const Pirqs = 8;
/** Bit 7 of a route turns it off; the low four bits are an ISA line. */
const Route = { Off: 0x80, Line: 0x0f } as const;
const Nowhere = 0xff;

/** The others keep their contents. */
const afterReset: ConfigurationContents = [
  [Register.PowerManagementBase, 0x01, 0x00, 0x00, 0x00, 0x00],
  [Register.RoutesAToD, Route.Off, Route.Off, Route.Off, Route.Off],
  [Register.RoutesEToH, Route.Off, Route.Off, Route.Off, Route.Off],
  [0xf0, 0x00, 0x00, 0x00, 0x00],
];

const resetControl = resetControlPort('lpc-reset-control').register(0, {
  width: 8,
  fields: {
    ...resetControlFields,
    full: bit(3, 'read-write', { description: 'the next reset takes the power away too' }),
    unused: reserved(0, [4, 7]),
  },
});

/**
 * The LPC bridge of ICH9 at 00:1f.0: Q35's way to the ISA bus. It decides on which ISA lines the eight PCI interrupts arrive,
 * and resets the machine for whoever asks at 0xcf9. Power management and the RCRB have their registers and nothing behind
 * them.
 *
 * A hostile guest can route PCI interrupts onto any ISA line, or all onto one, and can reset its machine as often as it likes.
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
  askForReset(value: number, previous: number): void {
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
    return (route & Route.Off) !== 0 ? Nowhere : route & Route.Line;
  }
}

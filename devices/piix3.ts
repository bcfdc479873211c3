import {
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

const Register = { Status: 0x06, Routes: 0x60 } as const;
const MediumSpeed = 0x0200;

/** Bit 7 of a route turns it off, and any number that is no ISA line does the same. */
const Unrouted = 0x80;
const Pirqs = 4;

/** The others keep their contents. */
const afterReset: ConfigurationContents = [
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
];

const resetControl = resetControlPort('piix3-reset-control').register(0, {
  width: 8,
  fields: { ...resetControlFields, unused: reserved(0, [3, 7]) },
});

/**
 * The PIIX3 at 00:01.0, bridge to the ISA bus. It decides on which ISA lines the four PCI interrupts arrive, and resets the
 * machine for whoever asks at 0xcf9.
 *
 * A hostile guest can route PCI interrupts onto any ISA line, or all onto one, and can reset its machine as often as it likes.
 * A route is a byte of which only the sixteen lines mean anything.
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
  askForReset(value: number, previous: number): void {
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

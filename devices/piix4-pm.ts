import {
  type Counter,
  defineOptions,
  device,
  InterruptPin,
  inject,
  type OptionsOf,
  option,
  options,
  PowerController,
  VirtualClock,
} from '../sdk/index.ts';
import { PciBus, PciDevice, PciRegister, pci } from '../sdk/pci.ts';
import {
  Apm,
  apmControl,
  apmStatus,
  control,
  deviceActivityB,
  enable,
  miscellaneous,
  ports,
  powerManagementBase,
  smbusBase,
  smbusConfiguration,
  status,
  timer,
} from './piix4-pm/registers.ts';

/** @see Intel 82371AB (PIIX4) datasheet, "PMTMR - Power Management Timer Register": 3.579545 MHz, 24 bits, overflow by bit 23 */
const TimerFrequency = 3_579_545;
const TimerBits = 24;
export const piix4PmOptions = defineOptions({
  base: option.integer({
    description: 'first port after a reset, as firmware leaves it, a multiple of 64; 0: the guest places the ports',
    default: 0,
    range: [0, 0xffc0],
  }),
});

/** @see Intel 82371AB (PIIX4) datasheet, "PCISTS - PCI Device Status Register (Function 3)": FB2B is hardwired to 1 */
const FastBackToBack = 0x0080;
/** As the BARs of a card. */
const PortPriority = 1;

/**
 * Power management of the PIIX4 at 00:01.3: the ACPI timer, its interrupt (SCI), and soft-off, which ends the run. The guest
 * places the ports. System management mode is shown as initialised, so that firmware leaves it alone. A write of 0xf1 to port
 * 0xb2 sets SCI_EN, as the firmware's handler of that mode would, and 0xf0 clears it.
 *
 * Not modelled: other sleep states, which a guest error names, wake-up, the power button, general-purpose events, and the
 * ports of the SMBus. A write here raises an interrupt or switches the machine off, so none is coalesced.
 *
 * A hostile guest can lay the ports over those of other devices, and can switch its machine off. The SCI is raised at most
 * every 2.3 s, unless it is cleared and enabled anew.
 *
 * @see Intel 82371AB (PIIX4) datasheet, order number 290562, "Power Management Description (Function 3)"
 * @see QEMU 7.2, hw/acpi/piix4.c, piix4_pm_reset and pm_io_space_update
 */
@device({ type: 'PIIX4_PM', description: 'Intel 82371AB power management' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x7113,
  revision: 3,
  classCode: 0x0680,
  deviceSelect: 'medium',
  interruptPin: 'A',
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class Piix4Pm extends PciDevice {
  /** The system control interrupt, ISA line 9 of a PC: high while an enabled event waits. */
  readonly sci = new InterruptPin(() => this.wantsSci);
  @powerManagementBase powerManagementBase = 0x0000_0001;
  @deviceActivityB deviceActivityB = 0x0200_0000;
  @miscellaneous miscellaneous = 0;
  @smbusBase smbusBase = 0x0000_0001;
  @smbusConfiguration smbusConfiguration = 0;
  @status status = 0;
  @enable enable = 0;
  @control control = 0;
  @apmControl apmControl = 0;
  @apmStatus apmStatus = 0;
  private readonly base: number;
  private readonly ticks: Counter;
  /** Its lower 23 bits, which are zero when bit 23 changes. */
  private readonly half: Counter;

  constructor(
    @inject(PciBus) private readonly pciBus: PciBus,
    @inject(VirtualClock) clock: VirtualClock,
    @inject(PowerController) private readonly power: PowerController,
    @options(piix4PmOptions) { base }: OptionsOf<typeof piix4PmOptions>,
  ) {
    super();
    const { Status } = PciRegister;
    this.config.set(Status, this.config.get(Status, 2) | FastBackToBack, 2);
    this.base = base & powerManagementBase.fields.base.mask;
    this.ticks = clock.counter('pm-timer', { frequency: TimerFrequency, width: TimerBits });
    const half = { frequency: TimerFrequency, width: TimerBits - 1, latched: true } as const;
    this.half = clock.counter('pm-timer-half', half, () => {
      this.status |= status.fields.timer.mask;
    });
  }

  @timer get timer(): number {
    return this.ticks.value;
  }

  /** An overflow that the guest has taken is told again at the next one. */
  @status.onWrite()
  clearStatus(value: number): void {
    if ((value & status.fields.timer.mask) === 0) this.half.acknowledge();
  }

  /** @see Intel 82371AB (PIIX4) datasheet, "PMCNTRL - Power Management Control Register", SUS_TYP: 000 is soft-off */
  @control.onWrite()
  sleep(value: number): void {
    const { sleepEnable, sleepType } = control.fields;
    if ((value & sleepEnable.mask) === 0) return;
    const type = sleepType.of(value);
    if (type === sleepType.values.SoftOff) this.power.requestPowerOff('The guest has switched the machine off.');
    else this.guestError(`sleep type ${type} is not modelled: the machine stays awake`);
  }

  @apmControl.onWrite()
  switchAcpi(value: number): void {
    const { mask } = control.fields.sciEnable;
    if (value === Apm.AcpiEnable) this.control |= mask;
    if (value === Apm.AcpiDisable) this.control &= ~mask;
  }

  @powerManagementBase.onWrite()
  @miscellaneous.onWrite()
  movePorts(): void {
    this.placePorts();
  }

  override reset(): void {
    super.reset();
    this.ticks.start();
    this.half.start();
    this.powerManagementBase = this.base | powerManagementBase.fields.isPorts.mask;
    this.miscellaneous = this.base === 0 ? 0 : miscellaneous.fields.portsEnable.mask;
    this.placePorts();
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.placePorts();
  }

  protected override onRealize(): void {
    this.topology.transaction(() => {
      this.region(ports).setEnabled(false);
      this.pciBus.io.addSubregion(this.base, this.region(ports), PortPriority);
    });
  }

  protected override onUnrealize(): void {
    this.pciBus.io.removeSubregion(this.region(ports));
  }

  protected placePorts(): void {
    const region = this.region(ports);
    this.topology.transaction(() => {
      region.setEnabled((this.miscellaneous & miscellaneous.fields.portsEnable.mask) !== 0);
      region.setAddress(this.powerManagementBase & powerManagementBase.fields.base.mask);
    });
  }

  protected get wantsSci(): boolean {
    const isEnabled = (this.control & control.fields.sciEnable.mask) !== 0;
    return isEnabled && (this.status & this.enable & status.fields.timer.mask) !== 0;
  }
}

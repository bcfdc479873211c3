import { Device, type DeviceClass, Facet, InterruptPin, recordOf } from '../device/index.ts';
import { BackplaneError } from '../memory/index.ts';
import { PciCommand, PciConfigSpace, type PciIdentity, PciRegister, PciStatus } from './pci-config-space.ts';

/** What `@pci` declared: `blueprintOf(Class).facet(pciIdentity)`. */
export const pciIdentity = new Facet<PciIdentity>('pci');

/** Who the function says it is in its configuration space. Only for classes that extend PciDevice. */
export function pci(identity: PciIdentity) {
  return (deviceClass: DeviceClass<PciDevice>): void => {
    checkIdentity(deviceClass.name, identity);
    recordOf(deviceClass).set(pciIdentity, Object.freeze({ ...identity }));
  };
}

/**
 * One PCI function: configuration space and an interrupt pin. The bus reads and writes the configuration on the guest's
 * behalf and tells the device what was written.
 */
export abstract class PciDevice extends Device {
  /** INTx. The level that the device wants; the command register decides whether it gets out. */
  readonly interrupt = new InterruptPin();
  readonly config: PciConfigSpace;
  /** INTx as the bus sees it. */
  readonly interruptOut = new InterruptPin();

  constructor() {
    super();
    const identity = this.blueprint.facet(pciIdentity);
    if (identity === undefined) {
      throw new BackplaneError(
        `Class ${this.constructor.name} extends PciDevice but has no identity. Add @pci({ vendorId, ... }).`,
      );
    }
    this.config = new PciConfigSpace(identity);
    this.interrupt.connect(() => this.updateInterrupt());
  }

  get bus(): 'pci' {
    return 'pci';
  }

  /** The guest reads its configuration. */
  readConfig(offset: number, size: number): number {
    return this.config.read(offset, size);
  }

  /** The guest writes its configuration; `onConfigWrite` follows. */
  writeConfig(offset: number, value: number, size: number): void {
    this.config.write(offset, value, size);
    this.updateInterrupt();
    this.onConfigWrite(offset, size);
  }

  /** What the bus does on its reset, after the device's own reset: interrupt down, header cleared. */
  resetOnBus(): void {
    this.interrupt.set(false);
    this.config.resetHeader();
    this.updateInterrupt();
    this.onConfigWrite(0, 0x40);
  }

  /** Registers of the configuration space changed: those from `offset`, `size` bytes. */
  protected onConfigWrite(_offset: number, _size: number): void {}

  /** The status register shows the pin even while the command register holds it back. */
  private updateInterrupt(): void {
    const status = this.config.get(PciRegister.Status, 2) & ~PciStatus.Interrupt;
    this.config.set(PciRegister.Status, status | (this.interrupt.level ? PciStatus.Interrupt : 0), 2);
    const disabled = (this.config.get(PciRegister.Command, 2) & PciCommand.InterruptDisable) !== 0;
    this.interruptOut.set(this.interrupt.level && !disabled);
  }
}

function checkIdentity(className: string, identity: PciIdentity): void {
  const bits = {
    vendorId: 16,
    deviceId: 16,
    revision: 8,
    classCode: 16,
    programmingInterface: 8,
    subsystemVendorId: 16,
    subsystemId: 16,
  };
  for (const [name, width] of Object.entries(bits)) {
    const value = identity[name as keyof typeof bits];
    if (value === undefined || (Number.isInteger(value) && value >= 0 && value < 2 ** width)) continue;
    throw new BackplaneError(
      `Class ${className}: @pci has ${name} 0x${value.toString(16)}, which is no ${width}-bit number. Give it one.`,
    );
  }
}

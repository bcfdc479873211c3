import {
  BackplaneError,
  device,
  inject,
  interruptController,
  MiB,
  mmioRegion,
  SystemDevice,
  state,
} from '../sdk/index.ts';
import { PciBus } from '../sdk/pci.ts';

const Message = { Vector: 0xff, DeliveryShift: 8, Delivery: 0x7 } as const;
/**
 * Delivery modes 0 (fixed) and 1 (lowest priority) have a vector.
 *
 * @see Intel SDM volume 3, "Message Data Register Format"
 */
const LowestPriority = 1;
/** Vectors below are reserved for exceptions. @see Intel SDM volume 3, "Valid Interrupt Vectors" */
const FirstVector = 16;
const Vectors = 256;

const Address = 0xfee0_0000;
const InFrontOfMemory = 1;
const window = mmioRegion({ name: 'msi-window', size: 1 * MiB, accessSizes: [4] });

/**
 * The receiver of message-signalled interrupts (MSI) on a PC. A function writes 32 bits to 0xfee00000 as bus master,
 * and the low byte is the vector.
 *
 * It models the IRR of a local APIC only: requested vectors are pending, the highest first, until the processor
 * acknowledges them. The machine has one processor, so the destination in the address is ignored. The window is in the
 * address space of bus masters only. A processor's own accesses there would reach its local APIC, which this machine
 * does not have.
 *
 * A hostile guest can request any vector from 16 on, as often as it likes. A vector that is pending already is not
 * counted twice.
 *
 * @see Intel SDM volume 3, "Message Signalled Interrupts"
 * @see PCI Local Bus Specification 3.0, 6.8 "Message Signaled Interrupts"
 * @see QEMU 7.2, hw/intc/apic.c, apic_send_msi
 */
@device({ type: 'msi-window', description: 'Receiver of message-signalled interrupts' })
@interruptController()
export class MsiWindow extends SystemDevice {
  /** IRR: a one for each pending vector. */
  @state readonly requests = new Uint8Array(Vectors);
  /** How many ones there are: each entry of the guest asks. */
  private pendingCount = 0;

  constructor(@inject(PciBus) private readonly pci: PciBus) {
    super();
  }

  @window.write()
  receive(data: number): undefined {
    const vector = data & Message.Vector;
    const delivery = (data >>> Message.DeliveryShift) & Message.Delivery;
    if (delivery > LowestPriority) return this.guestError(`message with delivery mode ${delivery}: it has no vector`);
    if (vector < FirstVector) return this.guestError(`message with vector ${vector}, which is reserved for exceptions`);
    if (this.requests[vector] !== 1) this.pendingCount++;
    this.requests[vector] = 1;
    return undefined;
  }

  /** The window is write-only: a read returns 0. */
  @window.read()
  read(): number {
    return 0;
  }

  /** Whether a vector is pending. */
  get pending(): boolean {
    return this.pendingCount > 0;
  }

  /** Returns the highest pending vector and clears it. */
  acknowledge(): number {
    const vector = this.requests.lastIndexOf(1);
    this.requests[vector] = 0;
    this.pendingCount--;
    return vector;
  }

  override reset(): void {
    this.requests.fill(0);
    this.pendingCount = 0;
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.pendingCount = this.requests.filter((request) => request === 1).length;
  }

  protected override onRealize(): void {
    const { busMasterMemory } = this.pci;
    if (busMasterMemory === undefined) {
      throw new BackplaneError(
        'missing-bus-master-memory',
        `Device '${this.id}': its PCI bus has no address space of bus masters. Give it busMasterMemory.`,
      );
    }
    busMasterMemory.addSubregion(Address, this.region(window), InFrontOfMemory);
  }

  protected override onUnrealize(): void {
    this.pci.busMasterMemory?.removeSubregion(this.region(window));
  }
}

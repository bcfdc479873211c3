import { BackplaneError, device, inject, MiB, mmioRegion, PciBus, SystemDevice, state } from '../sdk/index.ts';

const Message = { Vector: 0xff, DeliveryShift: 8, Delivery: 0x7 } as const;
/** The two delivery modes that ask for a vector: to one processor, or to the least busy one. */
const LowestPriority = 1;
/** Vectors below belong to exceptions; no interrupt has them. */
const FirstVector = 16;
const Vectors = 256;

const Address = 0xfee0_0000;
const InFrontOfMemory = 1;
const window = mmioRegion({ name: 'msi-window', size: 1 * MiB, accessSizes: [4] });

/**
 * Where message-signalled interrupts arrive on a PC: a function writes 32 bits to 0xfee00000 as bus master, and the low byte
 * is the vector that the processor takes.
 *
 * It is the receiving end of a local APIC and no more: requested vectors wait, highest first, and are done with when the
 * processor takes them. There is one processor, so that the destination in the address is not looked at. Only bus masters
 * see it: a processor's own accesses there go to its local APIC, which this machine has not.
 *
 * A hostile guest can have itself interrupted with any vector from 16 on, as often as it likes; a vector that waits already
 * is not counted twice.
 */
@device({ type: 'msi-window', description: 'Receiver of message-signalled interrupts' })
export class MsiWindow extends SystemDevice {
  /** A one for each vector that waits. */
  @state readonly requests = new Uint8Array(Vectors);

  constructor(@inject(PciBus) private readonly pci: PciBus) {
    super();
  }

  @window.write()
  receive(data: number): undefined {
    const vector = data & Message.Vector;
    const delivery = (data >>> Message.DeliveryShift) & Message.Delivery;
    if (delivery > LowestPriority)
      return this.guestError(`message with delivery mode ${delivery}: it asks for no vector`);
    if (vector < FirstVector) return this.guestError(`message with vector ${vector}, which no interrupt can have`);
    this.requests[vector] = 1;
    return undefined;
  }

  /** Nobody reads where messages go. */
  @window.read()
  read(): number {
    return 0;
  }

  /** Whether the processor is being interrupted. */
  get pending(): boolean {
    return this.requests.includes(1);
  }

  /** The processor takes the highest vector. */
  acknowledge(): number {
    const vector = this.requests.lastIndexOf(1);
    this.requests[vector] = 0;
    return vector;
  }

  override reset(): void {
    this.requests.fill(0);
  }

  protected override onRealize(): void {
    const { masterMemory } = this.pci;
    if (masterMemory === undefined) {
      throw new BackplaneError(`Device '${this.id}': its PCI bus has no memory for bus masters. Give it masterMemory.`);
    }
    masterMemory.addSubregion(Address, this.region(window), InFrontOfMemory);
  }

  protected override onUnrealize(): void {
    this.pci.masterMemory?.removeSubregion(this.region(window));
  }
}

import { device, MemTxAttributes, MiB, mmioRegion, SystemDevice } from '../sdk/index.ts';

const Message = { Vector: 0xff, DeliveryShift: 8, Delivery: 0x7 } as const;
/** The two delivery modes that ask for a vector: to one processor, or to the least busy one. */
const LowestPriority = 1;
/** Vectors below belong to exceptions; no interrupt has them. */
const FirstVector = 16;
const Vectors = 256;

/** Above everything: no RAM and no BAR can take the messages away. */
const window = mmioRegion({ name: 'apic-msi', base: 0xfee0_0000, size: 1 * MiB, priority: 4096, accessSizes: [4] });

/**
 * Where message-signalled interrupts arrive on a PC: a function writes 32 bits here as bus master, and the low byte is the
 * vector that the processor takes.
 *
 * It is the receiving end of a local APIC and no more: requested vectors wait, highest first, and are done with when the
 * processor takes them. There is one processor, so that the destination in the address is not looked at, and there are no
 * registers: a processor's own accesses find nothing here.
 *
 * A hostile guest can have itself interrupted with any vector from 16 on, as often as it likes; a vector that waits already
 * is not counted twice.
 */
@device({ type: 'msi-window', description: 'Receiver of message-signalled interrupts' })
export class MsiWindow extends SystemDevice {
  /** A one for each vector that waits. */
  readonly requests = new Uint8Array(Vectors);

  @window.writeWithAttributes()
  receive(data: number, _offset: number, _size: number, attributes: number): undefined {
    const vector = data & Message.Vector;
    const delivery = (data >>> Message.DeliveryShift) & Message.Delivery;
    if (attributes & MemTxAttributes.Unspecified)
      return this.guestError('a processor wrote to a local APIC, which it has not');
    if (delivery > LowestPriority)
      return this.guestError(`message with delivery mode ${delivery}, which asks for no vector`);
    if (vector < FirstVector) return this.guestError(`message with vector ${vector}, which no interrupt can have`);
    this.requests[vector] = 1;
    return undefined;
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
}

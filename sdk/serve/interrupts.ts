import type { PciDevice } from '../bus/pci/device.ts';
import { PciRegister } from '../bus/pci/header.ts';
import type { ServeCounts } from './counts.ts';
import type { ClientLink } from './link.ts';
import { Errno, IrqIndex, type MessageHeader, readMemory } from './protocol.ts';
import type { IrqRequest } from './requests.ts';
import {
  EntryBytes,
  type InterruptLink,
  MsiEventfds,
  MsiWrites,
  MsixWrites,
  type TableOfClient,
  VectorEventfds,
  type Vectors,
} from './vectors.ts';

const nothing = (): void => {};

/**
 * INTx is a level, and an eventfd is an edge. The eventfd is written when the pin is up and not masked, and then the interrupt counts
 * as masked. The client unmasks it when the guest has touched the device. It is written again if the pin is still up.
 *
 * @see Linux 6.12, include/uapi/linux/vfio.h, VFIO_IRQ_INFO_AUTOMASKED
 */
export class IntX {
  private eventfd: number | undefined;
  private isMasked = false;
  /** Masked by a signal of ours, and by nothing else. */
  private isSignalled = false;
  private stopWatching = nothing;

  constructor(
    private readonly link: InterruptLink,
    /** The pin, as the command register lets it out. */
    private readonly level: () => boolean,
  ) {}

  /** The pin has changed. */
  update(): void {
    const { eventfd } = this;
    if (eventfd === undefined) return;
    const isUp = this.level();
    if (!isUp && this.isSignalled) this.takeBack(eventfd);
    if (!isUp || this.isMasked) return;
    this.isMasked = this.isSignalled = true;
    this.link.signal(eventfd);
  }

  /**
   * The guest has acknowledged before the client has seen the eventfd. Otherwise the client would raise its pin behind the
   * acknowledge, and keep it up until the next access to a BAR. A driver that asks the configuration space first makes none.
   */
  private takeBack(eventfd: number): void {
    this.isSignalled = false;
    if (this.link.takeBack(eventfd)) this.isMasked = false;
  }

  /** Takes the descriptor. */
  set(eventfd: number | undefined): void {
    this.clear();
    this.eventfd = eventfd;
    this.update();
  }

  mask(): void {
    this.isMasked = true;
    this.isSignalled = false;
  }

  unmask(): void {
    this.isMasked = this.isSignalled = false;
    this.update();
  }

  /** An eventfd whose readiness means 'unmask', in place of a message; the descriptor is taken. */
  unmaskBy(eventfd: number | undefined): void {
    this.stopWatching();
    this.stopWatching = nothing;
    if (eventfd === undefined) return;
    const stop = this.link.watch(eventfd, () => this.unmask());
    this.stopWatching = () => {
      stop();
      this.link.closeDescriptor(eventfd);
    };
  }

  trigger(): void {
    if (this.eventfd !== undefined) this.link.signal(this.eventfd);
  }

  clear(): void {
    this.unmaskBy(undefined);
    if (this.eventfd !== undefined) this.link.closeDescriptor(this.eventfd);
    this.eventfd = undefined;
    this.isMasked = this.isSignalled = false;
  }
}

/** The interrupts of one function, as its client has arranged them. */
export class ClientInterrupts {
  private readonly intx: IntX;
  private readonly msi: Vectors;
  private readonly msix: Vectors;
  private readonly table: MsixWrites;
  private disconnectPin = nothing;
  private readonly isEventfd: (descriptor: number) => boolean;

  constructor(
    private readonly device: () => PciDevice,
    link: ClientLink,
    counts: ServeCounts,
  ) {
    this.isEventfd = (descriptor) => link.isEventfd(descriptor);
    const counted: InterruptLink = {
      ask: (message) => link.send(message),
      send: (message) => {
        counts.interrupts++;
        link.send(message);
      },
      signal: (descriptor) => {
        counts.interrupts++;
        link.signal(descriptor);
      },
      takeBack: (descriptor) => link.takeBack(descriptor),
      watch: (descriptor, callback) => link.watch(descriptor, callback),
      closeDescriptor: (descriptor) => link.closeDescriptor(descriptor),
    };
    this.intx = new IntX(counted, () => device().interruptOut.level);
    this.msi = link.passesDescriptors
      ? new MsiEventfds(counted)
      : new MsiWrites(counted, (vector) => device().msi.messageOf(vector));
    const release = (vector: number) => device().msix.release(vector);
    this.table = new MsixWrites(counted, () => tableOf(device()), release);
    this.msix = link.passesDescriptors ? new VectorEventfds(counted, release) : this.table;
    this.follow();
  }

  /** Takes what the device sends: another object after its class was edited. */
  follow(): void {
    const { interruptOut, msi, msix } = this.device();
    this.disconnectPin();
    this.disconnectPin = interruptOut.connect(() => this.intx.update());
    msi.owner = this.msi;
    msix.owner = this.msix;
    this.intx.update();
  }

  /** How many interrupts an index has. */
  count(index: number): number {
    const { config, msi, msix } = this.device();
    if (index === IrqIndex.IntX) return config.get(PciRegister.InterruptPin, 1) === 0 ? 0 : 1;
    if (index === IrqIndex.Msi) return msi.vectors;
    return index === IrqIndex.MsiX ? msix.vectors : 0;
  }

  /** Carries out SET_IRQS. Answers an errno, or 0: then the descriptors are taken. */
  set(request: IrqRequest, descriptors: readonly number[]): number {
    const { index, start, count, data, action } = request;
    const isRange = start + count <= this.count(index);
    // Linux asks for a count of 0 where all are meant, and it means none elsewhere.
    const isAll = data === 'none' && action === 'trigger' && start === 0 && count === 0;
    if (!isRange || (count === 0 && !isAll)) return Errno.Invalid;
    if (descriptors.length !== 0 && (data !== 'eventfd' || descriptors.length !== count)) return Errno.Invalid;
    if (!descriptors.every(this.isEventfd)) return Errno.Invalid;
    if (index === IrqIndex.IntX) return this.setIntX(request, isAll, descriptors[0]);
    if (action !== 'trigger') return Errno.Invalid;
    const vectors = index === IrqIndex.Msi ? this.msi : this.msix;
    if (isAll) vectors.clear();
    else if (data === 'eventfd') vectors.set(start, count, descriptors);
    else for (let vector = 0; vector < count; vector++) if (isWanted(request, vector)) vectors.send(start + vector);
    return 0;
  }

  /** The reply to what was asked of the client. False: nothing was. */
  takeReply(header: MessageHeader, reply: DataView): boolean {
    return this.table.take(header.id, readMemory(header, reply, EntryBytes));
  }

  /** The client is gone. */
  close(): void {
    const { msi, msix } = this.device();
    this.disconnectPin();
    msi.owner = msix.owner = undefined;
    this.intx.clear();
    this.msi.clear();
    this.msix.clear();
  }

  private setIntX(request: IrqRequest, isAll: boolean, eventfd: number | undefined): number {
    const { intx } = this;
    const { data, action } = request;
    if (isAll) intx.clear();
    else if (data === 'eventfd' && action === 'trigger') intx.set(eventfd);
    else if (data === 'eventfd' && action === 'unmask') intx.unmaskBy(eventfd);
    else if (data === 'eventfd') return Errno.Invalid;
    else if (isWanted(request, 0)) intx[action]();
    return 0;
  }
}

/** Where the guest has put the table of MSI-X, for which it must let the function decode memory. */
function tableOf({ bars, msix: { table, functionMasked } }: PciDevice): TableOfClient {
  const base = bars.all.find(({ index }) => index === table.bar)?.address;
  return { functionMasked, address: base === undefined ? undefined : base + table.offset };
}

const isWanted = ({ data, values }: IrqRequest, index: number): boolean => data === 'none' || values[index] !== 0;

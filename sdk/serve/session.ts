import { describeThrown } from '../base/errors.ts';
import { decimal } from '../base/text.ts';
import { PciCommand, PciRegister } from '../bus/pci/header.ts';
import { hostNanoseconds, SECOND } from '../clock/index.ts';
import type { ServeCounts } from './counts.ts';
import { ClientInterrupts } from './interrupts.ts';
import type { ClientLink } from './link.ts';
import {
  Body,
  Command,
  commandName,
  Errno,
  echoReply,
  errorReply,
  IrqFlag,
  IrqIndex,
  infoReply,
  irqInfoReply,
  MessageHeader,
  RegionIndex,
  regionInfoReply,
  replyTo,
} from './protocol.ts';
import { RegisterMessages } from './register-messages.ts';
import { isInfoRequest, readIrqIndex, readMap, readRegionIndex, readSetIrqs, readUnmap } from './requests.ts';
import type { ServedFunction } from './served-function.ts';
import { readVersion, versionReply } from './version.ts';

/** QEMU gives up after 5 s (x-msg-timeout); an answer that takes longer than this is reported. */
const SlowAnswer = 1 * SECOND;

/** What a session tells its server. */
export interface SessionHost {
  readonly counts: ServeCounts;
  /** A sentence for the user. */
  note(sentence: string): void;
  /** A version is agreed on: it is a client, and no other program that has tried the socket. */
  agreed(): void;
  /** The session is at its end: the client broke the rules. */
  end(why: string): void;
}

/** The reply to a message, or an errno; 0: a header alone. */
type Answer = DataView | number;

/**
 * One client, from its first message to its last. Gets messages with their descriptors, and gives messages: it knows no sockets.
 * A message that asks for what is not there gets an errno. After one whose place in the order is wrong nothing is sure, and the
 * session ends. The device lives on.
 */
export class Session {
  private readonly header = new MessageHeader();
  private readonly interrupts: ClientInterrupts;
  private readonly registers: RegisterMessages;
  /** How many may come with one message; undefined: no version is agreed on yet. */
  private mostDescriptors: number | undefined;
  /** The session ends when the errno is sent. */
  private refusal: string | undefined;
  private isOver = false;
  private wasSlow = false;
  private wasUnshared = false;

  constructor(
    private readonly served: ServedFunction,
    private readonly link: ClientLink,
    private readonly host: SessionHost,
  ) {
    this.interrupts = new ClientInterrupts(() => served.device, link, host.counts);
    this.registers = new RegisterMessages(served, host.counts, (failure) => this.noteFailure(failure));
  }

  /** Takes a message and its descriptors. Neither a device that throws nor a client that lies comes out as an error. */
  receive(message: DataView, descriptors: readonly number[]): void {
    const { host } = this;
    const header = this.header.read(message);
    if (header.isReply && !this.isOver && this.interrupts.takeReply(header, message)) {
      this.drop(descriptors);
      return;
    }
    const wrong = this.isOver ? 'it is over' : this.disorder();
    if (wrong !== undefined) {
      this.drop(descriptors);
      if (!this.isOver) host.end(wrong);
      return;
    }
    host.counts.messages++;
    const begin = hostNanoseconds();
    const answer = this.carriedOut(header.command, message, descriptors);
    // A message that wants no reply gets none: the client would lose its place.
    if (!header.wantsNoReply) this.send(answer);
    if (this.refusal !== undefined) host.end(this.refusal);
    const took = hostNanoseconds() - begin;
    if (took > SlowAnswer) this.noteSlow(header.command, took);
  }

  /** The class of the device may have been edited: its interrupts come from another object. */
  follow(): void {
    this.interrupts.follow();
  }

  /** The client is gone: interrupts off, its memory is given back. The device keeps its state. */
  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.interrupts.close();
    this.served.memory.clear();
  }

  /** What of this message says that the client has lost its place, or never had one. */
  private disorder(): string | undefined {
    const { header } = this;
    if (header.isReply) return 'it sent a reply to nothing';
    if (header.isUnknown) return 'it sent a message that is neither a command nor a reply';
    if (this.mostDescriptors !== undefined || header.command === Command.Version) return undefined;
    return `its first message was ${commandName(header.command)}, and Version comes first`;
  }

  private carriedOut(command: number, message: DataView, descriptors: readonly number[]): Answer {
    this.catchUp();
    try {
      if (descriptors.length > (this.mostDescriptors ?? 0)) {
        this.drop(descriptors);
        return Errno.Invalid;
      }
      if (command === Command.DmaMap) return this.map(message, descriptors);
      if (command === Command.SetIrqs) return this.setInterrupts(message, descriptors);
      this.drop(descriptors);
      return this.answerTo(command, message);
    } catch (failure) {
      // A mistake of the device's author: the guest reads all ones, and the author is told.
      this.noteFailure(failure);
      return Errno.InputOutput;
    }
  }

  /** A timer that throws costs no message: the client has not asked for it. */
  private catchUp(): void {
    try {
      this.served.catchUp();
    } catch (failure) {
      this.noteFailure(failure);
    }
  }

  private noteFailure(failure: unknown): void {
    this.host.counts.failures++;
    this.host.note(describeThrown(failure));
  }

  /** The commands that take no descriptors. */
  private answerTo(command: number, message: DataView): Answer {
    const { header, registers } = this;
    if (command === Command.RegionRead) return registers.read(header, message);
    if (command === Command.RegionWrite) return this.write(message);
    if (command === Command.RegionWriteMulti) return registers.writeMany(message);
    if (command === Command.Version) return this.version(message);
    if (command === Command.DmaUnmap) return this.unmap(message);
    if (command === Command.GetInfo) return isInfoRequest(message) ? infoReply(header) : Errno.Invalid;
    if (command === Command.GetRegionInfo) return this.regionInfo(message);
    if (command === Command.GetIrqInfo) return this.irqInfo(message);
    return command === Command.Reset ? this.reset() : Errno.Unsupported;
  }

  private version(message: DataView): Answer {
    if (this.mostDescriptors !== undefined) return Errno.Invalid;
    const agreed = readVersion(message);
    if ('refusal' in agreed) {
      this.refusal = agreed.refusal;
      return Errno.Invalid;
    }
    this.mostDescriptors = agreed.descriptors;
    this.host.counts.clients++;
    this.host.agreed();
    return versionReply(this.header, message);
  }

  private map(message: DataView, descriptors: readonly number[]): Answer {
    const { memory } = this.served;
    const request = readMap(message);
    try {
      if (request === undefined || descriptors.length > 1) return Errno.Invalid;
      const problem = memory.problemOf(request);
      if (problem !== 0) return problem;
      const shared = this.link.map(request, descriptors[0]);
      if (shared === Errno.Unsupported && !this.wasUnshared) this.host.note(HugePages);
      this.wasUnshared ||= shared === Errno.Unsupported;
      if (typeof shared === 'number') return shared;
      memory.add(request, shared);
      this.host.counts.maps++;
      return 0;
    } finally {
      this.drop(descriptors);
    }
  }

  private unmap(message: DataView): Answer {
    const request = readUnmap(message);
    if (request === undefined) return Errno.Invalid;
    return this.served.memory.remove(request) || echoReply(this.header, message, Body.Unmap);
  }

  private regionInfo(message: DataView): Answer {
    const index = readRegionIndex(message);
    if (index === undefined) return Errno.Invalid;
    return regionInfoReply(this.header, index, this.served.sizeOf(index), index !== RegionIndex.Rom);
  }

  /** QEMU asks for the error interrupt: it warns of a count of 0, and is silent about an errno. */
  private irqInfo(message: DataView): Answer {
    const index = readIrqIndex(message);
    if (index === undefined || index > IrqIndex.MsiX) return Errno.Invalid;
    return irqInfoReply(this.header, index, this.interrupts.count(index), InterruptFlags[index] as number);
  }

  private setInterrupts(message: DataView, descriptors: readonly number[]): Answer {
    const request = readSetIrqs(message);
    const problem = request === undefined ? Errno.Invalid : this.interrupts.set(request, descriptors);
    if (problem !== 0) this.drop(descriptors);
    return problem;
  }

  private write(message: DataView): Answer {
    const answer = this.registers.write(this.header, message);
    const { offset, region } = this.registers.access;
    if (region === RegionIndex.Config && offset <= PciRegister.Command) this.lookAtMemory();
    return answer;
  }

  private reset(): Answer {
    this.host.counts.resets++;
    this.served.reset();
    return 0;
  }

  /** Once a client: the guest has made the function a bus master, and its memory cannot be reached. */
  private lookAtMemory(): void {
    const { device, memory } = this.served;
    const isMaster = (device.config.get(PciRegister.Command, 2) & PciCommand.Master) !== 0;
    if (this.wasUnshared || !isMaster || !memory.isUnshared) return;
    this.wasUnshared = true;
    this.host.note(this.link.passesDescriptors ? NotShared : NoFile);
  }

  private noteSlow(command: number, took: number): void {
    this.host.counts.slowAnswers++;
    if (this.wasSlow) return;
    this.wasSlow = true;
    const isAccess = command === Command.RegionRead || command === Command.RegionWrite;
    const what = isAccess ? `${commandName(command)} (${this.registers.placeAndName})` : commandName(command);
    this.host.note(
      `the answer to ${what} took ${decimal(BigInt(Math.round(took / 1e6)), 3)} s. The guest stands still meanwhile, and QEMU ` +
        'gives the device up after 5 s. Do the work in a timer, or raise x-msg-timeout of vfio-user-pci.',
    );
  }

  private send(answer: Answer): void {
    const { header, host, link } = this;
    if (typeof answer !== 'number') link.send(answer);
    else if (answer === 0) link.send(replyTo(header, 0));
    else {
      host.counts.errors++;
      link.send(errorReply(header, answer));
    }
  }

  private drop(descriptors: readonly number[]): void {
    for (const descriptor of descriptors) this.link.closeDescriptor(descriptor);
  }
}

const NotShared =
  'QEMU shares no memory, and transfers of the device reach nothing. Start it with -object ' +
  'memory-backend-memfd,id=ram,size=SIZE,share=on and -machine memory-backend=ram.';
const HugePages =
  'QEMU shares a file of huge pages, which is refused: if the file became shorter, this process would end. Start QEMU with -object ' +
  'memory-backend-memfd,id=ram,size=SIZE,share=on,hugetlb=on, whose size is sealed.';
const NoFile =
  "transfers of the device reach nothing: without koffi the guest's memory is a file. Start QEMU with -object " +
  'memory-backend-file,id=ram,size=SIZE,mem-path=FILE,share=on and -machine memory-backend=ram, and serve with -ram FILE.';

/**
 * Of INTx, MSI and MSI-X. With 'no resize' QEMU gives all eventfds of MSI-X anew at an unmask, and leaves gaps.
 * @see Linux 6.12, include/uapi/linux/vfio.h, VFIO_IRQ_INFO_NORESIZE
 */
const InterruptFlags = [
  IrqFlag.EventFd | IrqFlag.Maskable | IrqFlag.AutoMasked,
  IrqFlag.EventFd | IrqFlag.NoResize,
  IrqFlag.EventFd,
];

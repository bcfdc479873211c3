import { BackplaneError } from '../base/errors.ts';
import type { Json, JsonReader } from '../base/json-reader.ts';
import type { VirtualClock } from '../clock/index.ts';
import type { AddressSpace, CoalescedZones, MemoryTopology, RamBlock } from '../memory/index.ts';
import type { AcceleratorListener } from './events.ts';
import type { ExitStatistics } from './exit-statistics.ts';
import type { GuestCode } from './guest/code.ts';
import type { GuestSource } from './guest/operation.ts';
import type { AccessTap } from './tap.ts';

/**
 * What asks the processor for an interrupt; an 8259 pair is one. The accelerator asks before each entry into the
 * guest and acknowledges only when the guest can take the vector at once.
 */
export interface InterruptController {
  readonly pending: boolean;
  acknowledge(): number;
}

/** A register whose write may ask for a reset: it must not wait in the ring where nothing bounds the wait. */
export interface ResetPort {
  readonly address: number;
  readonly size: number;
  readonly name: string;
  /** A guest physical address, and no port. */
  readonly isMemory?: boolean;
}

/** The machine's clock as its accelerator moves it. */
export interface MachineClock extends VirtualClock {
  /** Goes on to `time`, with every timer on the way. */
  advanceTo(time: number): void;
  /** Goes on by `nanoseconds`, however many: the epoch moves on the way. */
  advance(nanoseconds: number): void;
  /** Goes to `time`, of another epoch if need be, without firing anything. */
  set(time: number, epoch?: bigint): void;
  /** Looks its time up there when it is asked for it, but goes past no deadline; undefined: no longer. A clock may lack it. */
  follow?(source: (() => number) | undefined): void;
}

/** Events from outside that wait to be delivered between two instructions; `Inbox` is one. */
export interface InboxSource {
  /** The number of operations, over all vCPUs, from which something can be delivered; Infinity while nothing can. */
  readonly due: number;
  /** The guest time from which it can, in nanoseconds since the machine was started. Undefined: at any time. */
  readonly dueTime?: bigint | undefined;
  /** Delivers one event when so many operations are done, at this guest time. False: there is none to deliver. */
  deliver(operations: number, time: bigint): boolean;
}

/** A program: a reset starts it again. */
export interface ProgramImage {
  readonly name: string;
  start(): GuestSource;
}

/** What a vCPU executes: a program, a guest that is under way, as a recording is, or machine code, which a reset places again. */
export type GuestImage = ProgramImage | GuestSource | GuestCode;

/** Whether a guest is a program, which can be started. */
export function isProgramImage(image: GuestImage): image is ProgramImage {
  return 'start' in image && typeof image.start === 'function';
}

/** What an accelerator needs of the machine around it: addresses, time and interrupts, no chips. */
export interface AcceleratorHost {
  readonly topology: MemoryTopology;
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  readonly clock: MachineClock;
  readonly interruptController?: InterruptController;
  readonly resetPorts?: readonly ResetPort[];
  /** What the host has sent to devices. */
  readonly inbox?: InboxSource;
  /** The guest has done what no processor does; a sentence without its end. */
  guestError?(what: string): void;
  /** Resets every device. The accelerator calls it between instructions, once the ring is empty. */
  reset(): void;
}

export type RunEnd = 'finished' | 'halted' | 'operation-limit' | 'shutdown' | 'paused' | 'reset' | 'powered-off';

/** Why a run ended, in a word and in a sentence. */
export interface RunOutcome {
  readonly reason: RunEnd;
  readonly message: string;
  /** Of 'powered-off' only: the exit status that the guest wants, 0 to 255. */
  readonly status?: number;
  /** Guest operations that this run executed, over all vCPUs: of a program each access, of machine code each instruction. */
  readonly operations: number;
  /** Of machine code that was stopped for its accesses: how many it has made. */
  readonly accesses?: number;
}

export interface RunOptions {
  /**
   * The run ends after so many guest operations. Default: 100 million. Machine code ends at so many instructions, or when it has
   * made as many accesses outside of its RAM. A repeated string instruction makes one for each of its elements.
   * A string that goes through more than a page of RAM in one go makes one for 64 elements.
   */
  readonly operationLimit?: number;
  /** Another limit for the accesses of machine code. The instruction behind the last of them is the last of the run. */
  readonly accessLimit?: number;
  /**
   * The run ends when so many timers have expired while the guest executed nothing: in a HLT, a pause, or a gap of a
   * recording. It also ends when as many have expired as the larger of the two limits. Default: 2 million. A HLT is given
   * up sooner if its timers are slow.
   */
  readonly timerLimit?: number;
  /** Called now and then with the number of operations so far: for progress on a terminal. */
  readonly onProgress?: (operations: number) => void;
  /** Operations between two calls of onProgress. Default: 10,000. */
  readonly progressEvery?: number;
}

/** How long a slice of a run may be. */
export interface SliceLimits {
  /** It ends after about so many guest operations, or as many timers: 1 or more. */
  readonly operations: number;
  /** It ends when so much guest time has passed, in nanoseconds: 0 or more. Default: no limit. */
  readonly time?: number;
  /**
   * A guest that waits for an interrupt, which no timer raises, may still be woken from outside: the run goes on. Otherwise it
   * ends. Default: false.
   */
  readonly waits?: boolean;
}

/** How a slice of a run ended. 'asleep': every processor waits, for its time or for the outside. */
export type SliceEnd = RunOutcome | 'under-way' | 'asleep';

/** How guests are given to a machine, and run. */
export interface GuestRunOptions extends RunOptions {
  /**
   * Programs are logged, so that a snapshot can be made in the middle of them. A queued write then takes about a third longer
   * (`npm run bench -- --only 'can be saved'`). Without a log, save before they begin or after they have ended. Recordings need
   * no log. Default: false.
   */
  readonly savable?: boolean;
}

/** Runs the guest of a machine. The abstract class is the injection token. */
export abstract class Accelerator {
  /** As on the command line: `kvm-sim`. */
  abstract readonly name: string;
  private isTaken = false;
  abstract readonly statistics: ExitStatistics;
  /** The coalesced zones that the kernel has now; undefined where nothing coalesces by zones. */
  get zones(): CoalescedZones | undefined {
    return undefined;
  }
  /**
   * Guest memory comes from the accelerator: set it as `topology.allocateRam` before any RAM region is made. `isMachineRam`: the
   * block that the machine has at physical 0.
   */
  abstract allocateRam(size: number, name: string, isMachineRam?: boolean): RamBlock;
  /** Connects the machine: memory slots, coalesced zones and ioeventfds follow its address spaces from here on. */
  abstract attach(host: AcceleratorHost): void;
  /** Gives each vCPU what it executes, from the beginning: the first guest to the first vCPU, and so on. */
  abstract load(guests: readonly GuestImage[], how?: Pick<GuestRunOptions, 'savable'>): void;
  /** Runs until the guest ends or something stops it. May be called again: it goes on where it stopped. */
  abstract run(options?: RunOptions): RunOutcome;
  /**
   * Begins a run that is carried out in slices, with the host's thread free between two of them. Its guest notices nothing of
   * them.
   */
  begin(_options?: RunOptions): void {
    throw notInSlices(this.name);
  }
  /** Goes on with the run that `begin` has begun. */
  runSlice(_limits: SliceLimits): SliceEnd {
    throw notInSlices(this.name);
  }
  /** An operation is an instruction of machine code: a thousand of them take what one access takes. @internal */
  get countsInstructions(): boolean {
    return false;
  }
  /** The registers of processors that execute machine code, as QEMU's `info registers` prints them. Undefined for programs. */
  get registerDump(): string | undefined {
    return undefined;
  }
  /** Guest time now, in nanoseconds since the clock's epoch. The machine's clock follows at the next return to userspace. */
  get guestTime(): number {
    throw notInSlices(this.name);
  }
  /** Ends the run between two instructions, settled. From a device handler or timer too, and between two slices. */
  abstract pause(): void;
  /** Asks for a reset of the machine. A device handler may: the run loop performs it. */
  abstract requestReset(): void;
  /** Ends the run as `pause` does, as 'powered-off'. A device handler may ask for it. Without a run nothing happens. */
  requestPowerOff(_message: string, _status = 0): void {
    this.pause();
  }
  /** Delivers queued writes to their devices now; from inside a device handler as soon as the outermost has returned. */
  abstract drain(): void;
  /** Completes what the guest has begun and delivers what is queued: afterwards a snapshot shows all of the guest's past. */
  abstract settle(): void;
  /** Settles, and answers what processors, guests and counters hold: plain data, of which a snapshot is made. */
  saveState(): Json {
    throw new BackplaneError('guest-not-savable', `Accelerator '${this.name}' cannot save what its processors hold.`);
  }

  /**
   * Reads a saved state, notes in the reader what is wrong with it, and answers how to put it in force. Nothing has changed
   * until then. `guests` are what the processors executed: the same programs and recordings, fresh.
   * @internal
   */
  readState(reader: JsonReader, _guests: readonly GuestImage[]): () => void {
    reader.refuse(`accelerator '${this.name}' cannot restore what processors held`);
    return () => {};
  }

  /**
   * An eventfd for `region.addIoeventfd`: the guest's writes there call `consumer`, after a drain. A snapshot identifies it by
   * its name, which is asked for when the snapshot is made.
   */
  abstract eventfd(consumer: () => void, name?: () => string): number;
  /** Gives such an eventfd back. No region may name it any more. */
  closeEventfd(_fd: number): void {}
  /** Every access, exit, queued write and vector goes to this listener from here on. An accelerator may have no events. */
  observe(_listener: AcceleratorListener | undefined): void {}
  /** What stands between the guest and ranges of addresses: `tap` of a machine changes it. @internal */
  taps: readonly AccessTap[] = [];
  /** @internal */
  useTaps(_taps: readonly AccessTap[]): void {
    throw new BackplaneError('no-taps', `Accelerator '${this.name}' cannot be tapped. Use simulatedAccelerator().`);
  }
  /** Undoes attach: removes listeners and closes the kernel's file descriptors. */
  abstract detach(): void;

  /** Takes it for a machine, the only one that it ever has: what it holds of the host goes with that one. @internal */
  take(): void {
    if (this.isTaken) {
      const why = `Accelerator '${this.name}': it has or had a machine already. Use another.`;
      throw new BackplaneError('accelerator-in-use', why);
    }
    this.isTaken = true;
  }

  /** Refuses a call of this name from a handler or a timer, while a guest runs. @internal */
  refuseWhileRunning(_call: string): void {}
}

function notInSlices(name: string): BackplaneError {
  return new BackplaneError('no-slices', `Accelerator '${name}' cannot run in slices. Use run().`);
}

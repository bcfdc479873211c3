import { OperationKind } from '../../accelerator/guest/operation.ts';
import type { KvmAccelerator, RecordedTrace } from '../../accelerator/index.ts';
import { SECOND } from '../../clock/index.ts';
import { pinsOf } from '../../device/index.ts';
import type { Machine } from '../../machine/index.ts';
import { type AddressSpace, ListenerPriority, type MemoryRegion, type MemorySection } from '../../memory/index.ts';
import { type Replay, type ReplaySetup, replayTrace } from '../replay.ts';

/** How an access ended: in RAM, in userspace, in the ring of a zone, at an ioeventfd, or in parts. */
export const AccessOutcome = { Silent: 0, Exits: 1, Queued: 2, Signalled: 3, Split: 4 } as const;

/** One page's part of an access that crosses two. */
export interface SplitPart {
  readonly outcome: number;
  readonly target: number;
}

/** Writes of one width to one address that leave for userspace, and what they did when they were delivered. */
export interface WriteTarget {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  /** The device's region that takes them; undefined where the machine models no device. */
  readonly region: MemoryRegion | undefined;
  /** In the region, or the address itself where there is none. */
  readonly offset: number;
  /** One range of the map holds all of it, as a zone must. */
  readonly whole: boolean;
  writes: number;
  /** How many of the writes moved the memory map, one of their device's interrupt pins, or a timer. */
  mapMoves: number;
  pinMoves: number;
  timerMoves: number;
  /** Position of the first write, and how often each value was written. Parts of split writes do not count. */
  first: number;
  readonly values: Map<number, number>;
}

/** Reads of one width at one address: where the last one is in the recording. */
export interface ReadTarget {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  last: number;
}

/** A replay as columns: all that decides how many exits a recording has with other zones. */
export interface ObservedReplay {
  readonly trace: RecordedTrace;
  readonly replay: Replay;
  /** An AccessOutcome for each access. */
  readonly outcome: Uint8Array;
  /** The target of each write that left for userspace; -1 for everything else. */
  readonly target: Int32Array;
  /** Guest time of the first timer that expired since the access before; Infinity if none did. */
  readonly timer: Float64Array;
  readonly splits: ReadonlyMap<number, readonly SplitPart[]>;
  readonly targets: readonly WriteTarget[];
  readonly reads: readonly ReadTarget[];
}

const PageSize = 4096;
/** Values counted for one target: a register with more is no signal. */
const MostValues = 256;

/** Replays a recording on a machine and watches how every access ends. */
export function observeReplay(trace: RecordedTrace, setup: ReplaySetup): ObservedReplay {
  let observer: ReplayObserver | undefined;
  const replay = replayTrace(trace, {
    ...setup,
    observe: (machine) => {
      const watching = new ReplayObserver(trace, machine);
      observer = watching;
      return (position) => watching.before(position);
    },
  });
  return observer!.result(replay);
}

class ReplayObserver {
  private readonly outcome: Uint8Array;
  private readonly target: Int32Array;
  private readonly timer: Float64Array;
  private readonly splits = new Map<number, readonly SplitPart[]>();
  private readonly reads = new Map<number, ReadTarget>();
  private readonly targets: WriteTargets;
  private readonly accelerator: KvmAccelerator;
  private section: MemorySection | undefined;
  private armed = 0;
  private exits = 0;
  private queued = 0;
  private full = 0;
  private leftGuestMode = 0;
  private commits = 0;
  private commitsBefore = 0;
  private movedPinOf: string | undefined;

  constructor(
    private readonly trace: RecordedTrace,
    private readonly machine: Machine,
  ) {
    this.outcome = new Uint8Array(trace.length);
    this.target = new Int32Array(trace.length).fill(-1);
    this.timer = new Float64Array(trace.length).fill(Number.POSITIVE_INFINITY);
    this.targets = new WriteTargets(machine);
    this.accelerator = machine.accelerator as KvmAccelerator;
    machine.topology.addListener({
      name: 'advise',
      priority: ListenerPriority.Min,
      commit: () => {
        this.commits++;
        this.targets.forgetSections();
      },
    });
    for (const { id, device } of machine.devices) {
      for (const pin of pinsOf(device).values()) {
        pin.connect(() => {
          this.movedPinOf = id;
        });
      }
    }
  }

  before(position: number): void {
    if (position > 0) this.conclude(position - 1);
    if (position < this.trace.length) this.prepare(position);
  }

  result(replay: Replay): ObservedReplay {
    const { trace, outcome, target, timer, splits, reads } = this;
    return { trace, replay, outcome, target, timer, splits, targets: this.targets.all, reads: [...reads.values()] };
  }

  /** As times of the recording are: since the machine was started. */
  private nextDeadline(): number {
    const { clock } = this.machine;
    return clock.nextDeadline() + Number(clock.epoch) * SECOND;
  }

  private prepare(position: number): void {
    const { trace } = this;
    const address = trace.address[position]!;
    const size = trace.size[position]!;
    const kind = trace.kind[position]!;
    const deadline = this.nextDeadline();
    if (deadline <= trace.at[position]!) this.timer[position] = deadline;
    this.armed = deadline;
    this.commitsBefore = this.commits;
    this.movedPinOf = undefined;
    const isPort = kind === OperationKind.In || kind === OperationKind.Out;
    const isWrite = kind === OperationKind.Out || kind === OperationKind.Store;
    if (!isPort && !isWrite && kind !== OperationKind.Load) return;
    if (isWrite) this.section = this.targets.sectionAt(isPort, address);
    else this.noteRead(isPort, address, size, position);
    if (!isPort && (address % PageSize) + size > PageSize) this.prepareSplit(position, address, size, isWrite);
  }

  private noteRead(isPort: boolean, address: number, size: number, position: number): void {
    // Addresses have 52 bits, sizes at most 8 bytes.
    const key = (address * 16 + size) * 2 + (isPort ? 1 : 0);
    const known = this.reads.get(key);
    if (known === undefined) this.reads.set(key, { isPort, address, size, last: position });
    else known.last = position;
  }

  private conclude(position: number): void {
    const { trace } = this;
    const { userspaceExits, coalescedWrites, ringFullExits, vmExits = userspaceExits } = this.accelerator.statistics;
    const exited = userspaceExits > this.exits;
    const queued = coalescedWrites > this.queued || ringFullExits > this.full;
    const left = vmExits > this.leftGuestMode;
    this.exits = userspaceExits;
    this.queued = coalescedWrites;
    this.full = ringFullExits;
    this.leftGuestMode = vmExits;
    if (this.outcome[position] === AccessOutcome.Split) return;
    this.outcome[position] = queued
      ? AccessOutcome.Queued
      : exited
        ? AccessOutcome.Exits
        : left
          ? AccessOutcome.Signalled
          : AccessOutcome.Silent;
    const kind = trace.kind[position]!;
    if (queued || !exited || (kind !== OperationKind.Out && kind !== OperationKind.Store)) return;
    const isPort = kind === OperationKind.Out;
    const index = this.targets.indexOf(isPort, trace.address[position]!, trace.size[position]!, this.section);
    this.target[position] = index;
    this.count(this.targets.all[index]!, position, trace.value[position]!);
  }

  private count(target: WriteTarget, position: number, value: number): void {
    const { region, values } = target;
    target.writes++;
    target.first = Math.min(target.first, position);
    const known = values.get(value);
    if (known !== undefined || values.size < MostValues) values.set(value, (known ?? 0) + 1);
    if (this.commits > this.commitsBefore) target.mapMoves++;
    if (this.movedPinOf !== undefined && this.movedPinOf === region?.owner?.id) target.pinMoves++;
    // A timer that has just expired is armed anew by itself.
    const isPending = this.armed > Number(this.machine.clock.absolute());
    if (region !== undefined && isPending && this.nextDeadline() !== this.armed) target.timerMoves++;
  }

  /** KVM tests each page's part alone, before userspace sees the first part that no zone took. */
  private prepareSplit(position: number, address: number, size: number, isWrite: boolean): void {
    const first = PageSize - (address % PageSize);
    const parts = [this.splitPart(address, first, isWrite), this.splitPart(address + first, size - first, isWrite)];
    this.outcome[position] = AccessOutcome.Split;
    this.splits.set(position, parts);
  }

  private splitPart(address: number, size: number, isWrite: boolean): SplitPart {
    const section = this.targets.sectionAt(false, address);
    const isRam = section?.region.ram !== undefined && !(isWrite && section.readOnly);
    if (isRam) return { outcome: AccessOutcome.Silent, target: -1 };
    if (!isWrite) return { outcome: AccessOutcome.Exits, target: -1 };
    const isZone = this.accelerator.zones.memory.some(
      (zone) => address >= zone.start && address + size <= zone.start + zone.size,
    );
    if (isZone) return { outcome: AccessOutcome.Queued, target: -1 };
    const target = this.targets.indexOf(false, address, size, section);
    this.targets.all[target]!.writes++;
    return { outcome: AccessOutcome.Exits, target };
  }
}

/** Finds which region takes a write, in the map as it is now. Equal writes share one target. */
class WriteTargets {
  readonly all: WriteTarget[] = [];
  private readonly known = new Map<string, number>();
  private readonly sections: (MemorySection | undefined)[] = [undefined, undefined];

  constructor(private readonly machine: Machine) {}

  /** The map changed. */
  forgetSections(): void {
    this.sections.fill(undefined);
  }

  sectionAt(isPort: boolean, address: number): MemorySection | undefined {
    const last = this.sections[isPort ? 1 : 0];
    if (last !== undefined && address >= last.start && address < last.start + last.size) return last;
    const space: AddressSpace = isPort ? this.machine.io : this.machine.memory;
    const section = space.lookup(address);
    this.sections[isPort ? 1 : 0] = section;
    return section;
  }

  indexOf(isPort: boolean, address: number, size: number, section: MemorySection | undefined): number {
    const region = section?.region.owner === undefined ? undefined : section.region;
    const offset =
      region === undefined || section === undefined ? address : address - section.start + section.offsetInRegion;
    const whole = section === undefined || address + size <= section.start + section.size;
    const key = `${isPort} ${address} ${size} ${region?.owner?.id} ${region?.name} ${offset} ${whole}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    this.known.set(key, this.all.length);
    const counts = { writes: 0, mapMoves: 0, pinMoves: 0, timerMoves: 0, first: Number.POSITIVE_INFINITY };
    return this.all.push({ isPort, address, size, region, offset, whole, ...counts, values: new Map() }) - 1;
  }
}

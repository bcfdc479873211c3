import { OperationKind } from '../../accelerator/guest/operation.ts';
import type { KvmAccelerator, RecordedTrace } from '../../accelerator/index.ts';
import { SECOND } from '../../clock/index.ts';
import { pinsOf } from '../../device/index.ts';
import type { Machine } from '../../machine/index.ts';
import { type AddressSpace, ListenerPriority, type MemoryRegion, type MemorySection } from '../../memory/index.ts';
import { type Replay, type ReplaySetup, replayTrace } from '../replay.ts';

/** What became of an access: RAM took it, it left for userspace, a zone took it (or would have), an ioeventfd took it. */
export const Fate = { Silent: 0, Exits: 1, Queued: 2, Signalled: 3, Split: 4 } as const;

/** One page's part of an access that crosses two. */
export interface SplitPart {
  readonly fate: number;
  readonly shape: number;
}

/** A replay as columns: all that decides how many exits a recording has with other zones than it had. */
export interface ObservedReplay {
  readonly trace: RecordedTrace;
  readonly replay: Replay;
  /** A Fate for each access. */
  readonly fate: Uint8Array;
  /** The shape of each write that left for userspace; -1 for everything else. */
  readonly shape: Int32Array;
  /** Guest time of the first timer that expired before the access, after the one in front of it; Infinity if none did. */
  readonly timer: Float64Array;
  readonly splits: ReadonlyMap<number, readonly SplitPart[]>;
  readonly shapes: readonly WriteShape[];
}

const PageSize = 4096;

/** Replays a recording on a machine and watches what becomes of every access. */
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
  private readonly fate: Uint8Array;
  private readonly shape: Int32Array;
  private readonly timer: Float64Array;
  private readonly splits = new Map<number, readonly SplitPart[]>();
  private readonly shapes: WriteShapes;
  private readonly accelerator: KvmAccelerator;
  private section: MemorySection | undefined;
  private armed = 0;
  private exits = 0;
  private queued = 0;
  private full = 0;
  private leftGuestMode = 0;
  private commits = 0;
  private mapMoved = 0;
  private lastPin: string | undefined;

  constructor(
    private readonly trace: RecordedTrace,
    private readonly machine: Machine,
  ) {
    this.fate = new Uint8Array(trace.length);
    this.shape = new Int32Array(trace.length).fill(-1);
    this.timer = new Float64Array(trace.length).fill(Number.POSITIVE_INFINITY);
    this.shapes = new WriteShapes(machine);
    this.accelerator = machine.accelerator as KvmAccelerator;
    machine.topology.addListener({
      name: 'advise',
      priority: ListenerPriority.Min,
      commit: () => {
        this.commits++;
        this.shapes.forget();
      },
    });
    for (const { id, device } of machine.devices) {
      for (const pin of pinsOf(device).values()) {
        pin.connect(() => {
          this.lastPin = id;
        });
      }
    }
  }

  before(position: number): void {
    if (position > 0) this.conclude(position - 1);
    if (position < this.trace.length) this.prepare(position);
  }

  result(replay: Replay): ObservedReplay {
    const { trace, fate, shape, timer, splits } = this;
    return { trace, replay, fate, shape, timer, splits, shapes: this.shapes.all };
  }

  /** As times of the recording are: since the machine was started. */
  private nextDeadline(): number {
    const { clock } = this.machine;
    return clock.nextDeadline() + Number(clock.epoch) * SECOND;
  }

  private prepare(position: number): void {
    const { trace } = this;
    const address = trace.address[position]!;
    const kind = trace.kind[position]!;
    const deadline = this.nextDeadline();
    if (deadline <= trace.at[position]!) this.timer[position] = deadline;
    this.armed = deadline;
    this.mapMoved = this.commits;
    this.lastPin = undefined;
    if (kind === OperationKind.Out) this.section = this.shapes.sectionAt(true, address);
    if (kind !== OperationKind.Store && kind !== OperationKind.Load) return;
    const isWrite = kind === OperationKind.Store;
    if (isWrite) this.section = this.shapes.sectionAt(false, address);
    const size = trace.size[position]!;
    if ((address % PageSize) + size > PageSize) this.prepareSplit(position, address, size, isWrite);
  }

  private conclude(position: number): void {
    const { trace } = this;
    const { userspaceExits, coalescedWrites, ringFullExits, vmExits } = this.accelerator.statistics;
    const exited = userspaceExits > this.exits;
    const queued = coalescedWrites > this.queued || ringFullExits > this.full;
    const left = vmExits > this.leftGuestMode;
    this.exits = userspaceExits;
    this.queued = coalescedWrites;
    this.full = ringFullExits;
    this.leftGuestMode = vmExits;
    if (this.fate[position] === Fate.Split) return;
    this.fate[position] = queued ? Fate.Queued : exited ? Fate.Exits : left ? Fate.Signalled : Fate.Silent;
    const kind = trace.kind[position]!;
    if (queued || !exited || (kind !== OperationKind.Out && kind !== OperationKind.Store)) return;
    const isPort = kind === OperationKind.Out;
    const index = this.shapes.indexOf(isPort, trace.address[position]!, trace.size[position]!, this.section);
    this.shape[position] = index;
    this.count(this.shapes.all[index]!);
  }

  private count(shape: WriteShape): void {
    shape.writes++;
    if (this.commits > this.mapMoved) shape.mapMoves++;
    if (this.lastPin !== undefined && this.lastPin === shape.region?.owner?.id) shape.pinMoves++;
    const deadline = this.nextDeadline();
    // A timer that has just expired is armed anew by itself.
    if (shape.region !== undefined && deadline !== this.armed && this.armed > Number(this.machine.clock.absolute()))
      shape.timerMoves++;
  }

  /** KVM tests each page's part alone, before userspace sees the first that nothing took. */
  private prepareSplit(position: number, address: number, size: number, isWrite: boolean): void {
    const first = PageSize - (address % PageSize);
    const parts = [this.splitPart(address, first, isWrite), this.splitPart(address + first, size - first, isWrite)];
    this.fate[position] = Fate.Split;
    this.splits.set(position, parts);
  }

  private splitPart(address: number, size: number, isWrite: boolean): SplitPart {
    const section = this.shapes.sectionAt(false, address);
    const isRam = section?.region.ram !== undefined && !(isWrite && section.readOnly);
    if (isRam) return { fate: Fate.Silent, shape: -1 };
    if (!isWrite) return { fate: Fate.Exits, shape: -1 };
    const zones = this.accelerator.zones.memory;
    if (zones.some((zone) => address >= zone.start && address + size <= zone.start + zone.size)) {
      return { fate: Fate.Queued, shape: -1 };
    }
    const shape = this.shapes.indexOf(false, address, size, section);
    this.shapes.all[shape]!.writes++;
    return { fate: Fate.Exits, shape };
  }
}

/** Writes of one width to one address that leave for userspace, and what they did when they were delivered. */
export interface WriteShape {
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
  /** How many of the writes moved the memory map, moved one of their device's interrupt pins, or a timer. */
  mapMoves: number;
  pinMoves: number;
  timerMoves: number;
}

/** Finds who takes a write, in the map as it is now, and keeps one shape for all writes that are alike. */
export class WriteShapes {
  readonly all: WriteShape[] = [];
  private readonly known = new Map<string, number>();
  private readonly sections: (MemorySection | undefined)[] = [undefined, undefined];

  constructor(private readonly machine: Machine) {}

  /** The map changed. */
  forget(): void {
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
    const region = section === undefined || section.region.owner === undefined ? undefined : section.region;
    const offset =
      region === undefined || section === undefined ? address : address - section.start + section.offsetInRegion;
    const whole = section === undefined || address + size <= section.start + section.size;
    const key = `${isPort} ${address} ${size} ${region?.owner?.id} ${region?.name} ${offset} ${whole}`;
    let index = this.known.get(key);
    if (index === undefined) {
      index = this.all.length;
      this.known.set(key, index);
      const counts = { writes: 0, mapMoves: 0, pinMoves: 0, timerMoves: 0 };
      this.all.push({ isPort, address, size, region, offset, whole, ...counts });
    }
    return index;
  }
}

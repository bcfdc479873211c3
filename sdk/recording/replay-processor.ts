import { type GuestOperation, OperationKind } from '../accelerator/guest/operation.ts';
import { registersAfterReset, specialRegistersAfterReset } from '../accelerator/kvm/reset-values.ts';
import {
  type Processor,
  type ProcessorBus,
  Stop,
  type StopValue,
} from '../accelerator/kvm/simulated-kernel/processor.ts';
import { RunEntry, timeFrom } from '../accelerator/trace/recorded-trace.ts';
import { BackplaneError } from '../base/errors.ts';
import type { JsonReader } from '../base/json-reader.ts';
import { hex } from '../base/text.ts';
import { compareRead, fillFrom, type PlayedCode } from './replayed-access.ts';

/**
 * Times in the recording are instruction counts: between two accesses nothing else takes time. So each deadline is reached at the same
 * instruction, and each kick, drain and interrupt comes where it came. What the vCPU asks of a processor is answered from what comes next.
 */
export class ReplayProcessor implements Processor {
  readonly name = 'recording';
  readonly interruptShadow = false;
  instructions = 0;
  queuedVector = -1;
  windowWanted = false;
  failure: BackplaneError | undefined;
  /** Behind a HLT, until it goes on. */
  #isHalted = false;
  /** The entry of the read that is under way; -1 for none. */
  #reading = -1;
  #registers = registersAfterReset();
  #special = specialRegistersAfterReset(0);

  constructor(
    private readonly bus: ProcessorBus,
    private readonly code: { readonly nsPerInstruction: number; readonly played: PlayedCode | undefined },
  ) {}

  get whereabouts(): string {
    const { script } = this.#played;
    return `Recording '${script.run.entries.name}' at line ${script.played} of ${script.run.entries.length}`;
  }

  get interruptFlag(): boolean {
    return this.#isHalted ? this.#wakes : this.acceptsInterrupt;
  }

  /** The next thing that happened is that it took one, here. */
  get acceptsInterrupt(): boolean {
    if (this.#isHalted) return this.#wakes;
    if (this.underWay) return false;
    const { script } = this.#played;
    const { kind } = script.run.entries;
    const index = script.peek(0);
    if (index < 0) return false;
    if (kind[index] !== RunEntry.Window) return kind[index] === RunEntry.Interrupt && this.#until(index) === 0;
    // A window exit takes time, and the interrupt follows it.
    return this.#until(index) <= 0;
  }

  get underWay(): boolean {
    const kind = this.#kindOf(this.#played.script.peek(0));
    return kind === RunEntry.Part || kind === RunEntry.Ends;
  }

  enter(limit: number, operation: GuestOperation): StopValue {
    this.#isHalted = false;
    if (this.failure !== undefined) return Stop.Shutdown;
    if (limit === 0) return this.#endInstruction(operation);
    const end = this.instructions + limit;
    if (this.queuedVector >= 0) this.#takeInterrupt();
    const { script } = this.#played;
    while (true) {
      const index = script.peek(0);
      const kind = this.#kindOf(index);
      // The recording was cut off: nothing says what came next.
      if (index < 0 && script.run.end === undefined) return Stop.Finished;
      const until = index < 0 || kind === RunEntry.Restart ? Number.POSITIVE_INFINITY : this.#until(index);
      const reached = this.instructions + Math.max(0, Math.round(until));
      if (reached > end || (reached === end && this.#isBehind(index))) {
        this.instructions = end;
        return Stop.Limit;
      }
      if (kind === RunEntry.Interrupt && until > 0) {
        this.instructions = reached;
        return Stop.Limit;
      }
      this.#reach(index, until);
      const stop = this.#play(index, kind, operation);
      if (stop !== undefined) return stop;
    }
  }

  complete(operation: GuestOperation): void {
    const index = this.#reading;
    this.#reading = -1;
    if (index < 0) return;
    compareRead(this.#played.script, index, operation);
  }

  /** After a reset it goes on where the recorded one did. */
  reset(): void {
    this.instructions = 0;
    this.queuedVector = -1;
    this.failure = undefined;
    this.#isHalted = false;
    this.#reading = -1;
    const { played } = this.code;
    if (played === undefined || played.script.played === 0) return;
    const { script } = played;
    let index = script.peek(0);
    while (index >= 0 && this.#kindOf(index) !== RunEntry.Restart) {
      script.take(0);
      index = script.peek(0);
    }
    if (index >= 0) script.take(0);
  }

  getRegisters(to: DataView): void {
    copy(this.#registers, to);
  }

  setRegisters(from: DataView): boolean {
    copy(from, this.#registers);
    return true;
  }

  getSpecialRegisters(to: DataView): void {
    copy(this.#special, to);
  }

  setSpecialRegisters(from: DataView): boolean {
    copy(from, this.#special);
    return true;
  }

  /** A replay is not saved: the recording is what it goes on from. */
  save(): null {
    return null;
  }

  read(reader: JsonReader): () => void {
    reader.refuse('a replay of machine code cannot be restored');
    return () => {};
  }

  get #played(): PlayedCode {
    if (this.code.played === undefined) throw new Error('The recording is played before it is there.');
    return this.code.played;
  }

  /** A halted processor goes on by an interrupt only, so what comes next says whether it accepts them. */
  get #wakes(): boolean {
    const { run, peek } = this.#view;
    return peek >= 0 || run.end?.reason !== 'halted';
  }

  get #view() {
    const { script } = this.#played;
    return { run: script.run, peek: script.peek(0) };
  }

  #kindOf(index: number): number {
    return index < 0 ? -1 : this.#played.script.run.entries.kind[index]!;
  }

  /** Instructions until this entry; below 0 if its time has passed. */
  #until(index: number): number {
    const { script, clock } = this.#played;
    return (timeFrom(script.run.entries, index, Number(clock.epoch)) - this.bus.now()) / this.code.nsPerInstruction;
  }

  /** What stays in the kernel, and a read whose instruction begins again, comes before that instruction is counted. */
  #isBehind(index: number): boolean {
    const { kind, address, size, value, valueHigh, length } = this.#played.script.run.entries;
    const what = this.#kindOf(index);
    if (what === OperationKind.Out || what === OperationKind.Store) {
      const isPort = what === OperationKind.Out;
      return this.bus.takes(isPort, address[index]!, size[index]!, value[index]!, valueHigh[index]!);
    }
    const isRead = what === OperationKind.Load || what === OperationKind.RepIns;
    const next = index + 1 < length ? kind[index + 1] : -1;
    return isRead && (next === RunEntry.Part || next === RunEntry.Ends) && value[index + 1]! > 0;
  }

  #reach(index: number, until: number): void {
    const count = Math.max(0, Math.round(until));
    this.instructions += count;
    if (until === count) return;
    const late = Math.round((count - until) * this.code.nsPerInstruction);
    this.#played.script.differs(index, 0, `it begins ${late} ns later than recorded`);
  }

  #takeInterrupt(): void {
    const { script } = this.#played;
    const vector = this.queuedVector;
    this.queuedVector = -1;
    let index = script.peek(0);
    // The exit of the window was the vCPU's.
    if (this.#kindOf(index) === RunEntry.Window) {
      script.take(0);
      index = script.peek(0);
    }
    if (this.#kindOf(index) === RunEntry.Interrupt && script.run.entries.address[index] === vector) script.take(0);
    else if (index >= 0 || script.run.end !== undefined)
      script.differs(Math.max(index, 0), 0, `interrupt ${hex(vector)} comes, which is not in the recording`);
  }

  /** Undefined: the processor goes on. */
  #play(index: number, kind: number, operation: GuestOperation): StopValue | undefined {
    const { script } = this.#played;
    const { address } = script.run.entries;
    switch (kind) {
      case RunEntry.Interrupt:
        script.take(0);
        script.differs(index, 0, `interrupt ${hex(address[index]!)} was taken here, and does not come`);
        return undefined;
      case RunEntry.Window:
        if (this.windowWanted) return Stop.Window;
        script.take(0);
        script.differs(index, 0, 'the guest waited here for an interrupt, and none is to come');
        return undefined;
      case RunEntry.Fault:
        script.take(0);
        this.failure = new BackplaneError(
          'unhandled-interrupt',
          `Recording '${script.run.entries.name}': the recorded processor could not go on here, and has shut down.`,
        );
        return Stop.Shutdown;
      case OperationKind.Hlt:
        script.take(0);
        this.#isHalted = true;
        return Stop.Halt;
      default:
        return this.#access(index, kind, operation);
    }
  }

  #access(index: number, kind: number, operation: GuestOperation): StopValue | undefined {
    const { script } = this.#played;
    script.take(0);
    if (!(kind >= OperationKind.Out && kind <= OperationKind.RepIns)) {
      script.differs(index, 0, 'this is nothing that machine code does');
      return undefined;
    }
    if (this.#stays(index, kind)) return undefined;
    this.#fill(operation, index, kind);
    return Stop.Operation;
  }

  /** Something in the kernel takes the write. */
  #stays(index: number, kind: number): boolean {
    const { address, size, value, valueHigh } = this.#played.script.run.entries;
    if (kind === OperationKind.Out) return this.bus.portWrite(address[index]!, size[index]!, value[index]!);
    if (kind !== OperationKind.Store) return false;
    return this.bus.memoryWrite(address[index]!, size[index]!, value[index]!, valueHigh[index]!);
  }

  #fill(operation: GuestOperation, index: number, kind: number): void {
    const isRead = kind === OperationKind.In || kind === OperationKind.Load || kind === OperationKind.RepIns;
    this.#reading = isRead ? index : -1;
    fillFrom(this.#played.script.run, index, operation);
  }

  /** The rest of the instruction whose first access was answered: the entry that says so, and its further accesses. */
  #endInstruction(operation: GuestOperation): StopValue {
    const { script } = this.#played;
    const mark = script.peek(0);
    const kind = this.#kindOf(mark);
    if (kind !== RunEntry.Part && kind !== RunEntry.Ends) return Stop.Limit;
    script.take(0);
    const { value, address } = script.run.entries;
    const end = this.instructions + value[mark]!;
    for (let left = address[mark]!; left > 0; left--) {
      const index = script.peek(0);
      const what = this.#kindOf(index);
      if (what !== OperationKind.Out && what !== OperationKind.Store) break;
      this.#reach(index, this.#until(index));
      script.take(0);
      if (!this.#stays(index, what))
        script.differs(index, 0, 'this write stayed in the kernel when it was recorded, and does not now');
    }
    this.instructions = Math.max(this.instructions, end);
    const index = script.peek(0);
    const next = this.#kindOf(index);
    if (kind === RunEntry.Ends || !(next >= OperationKind.Out && next <= OperationKind.RepIns)) return Stop.Limit;
    script.take(0);
    this.#fill(operation, index, next);
    return Stop.Operation;
  }
}

function copy(from: DataView, to: DataView): void {
  const length = Math.min(from.byteLength, to.byteLength);
  for (let at = 0; at < length; at++) to.setUint8(at, from.getUint8(at));
}

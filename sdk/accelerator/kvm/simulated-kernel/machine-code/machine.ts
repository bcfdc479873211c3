import { BackplaneError } from '../../../../base/errors.ts';
import type { Json, JsonReader } from '../../../../base/json-reader.ts';
import { hex } from '../../../../base/text.ts';
import type { RamBlock } from '../../../../memory/ram-block.ts';
import type { HostMemory, KernelMemorySlot, SlotWatcher } from '../guest-memory.ts';
import type { ExecutionContext } from '../guest-time.ts';
import type { MachineCode, MachineCodeVm } from '../processor.ts';
import { CodeExecution } from './execution.ts';
import { readCode, saveCode } from './state.ts';

/** @see Intel SDM volume 4, table 2-2 */
const TimeStampCounter = 0x10;

/** What a VM has to execute machine code with: its RAM, and the processor of vCPU 0. */
export class CodeMachine implements SlotWatcher {
  readonly #vm: MachineCodeVm;
  #execution: CodeExecution | undefined;
  #ram: RamBlock | undefined;
  /** Of a machine that has more of it than the processor reaches. */
  #ramSize = 0;

  constructor(
    readonly machineCode: MachineCode,
    private readonly context: ExecutionContext,
    /** The guest has changed what is read-only, first at this guest physical address. */
    private readonly onOverwritten: (address: number) => void,
  ) {
    this.#vm = machineCode.create();
  }

  /** Made when it is first needed: by then the machine has its RAM. */
  get execution(): CodeExecution {
    this.#execution ??= new CodeExecution(this.#vm, this.context);
    return this.#execution;
  }

  get isBegun(): boolean {
    return this.#execution !== undefined;
  }

  /** The machine's RAM, where the processor wants it. More than it reaches is memory like other memory, for programs. */
  allocateRam(host: HostMemory, size: number, name: string): RamBlock {
    this.#ramSize = size;
    if (size > this.machineCode.largestRam || this.isBegun) return host.allocate(size, name);
    const { memory } = this.#vm;
    this.#ram = host.adopt(memory.allocate(size, name), (start, length) => memory.written(start, length));
    return this.#ram;
  }

  /** Why it does not execute this guest. */
  refuse(guest: string): BackplaneError | undefined {
    const { largestRam, name } = this.machineCode;
    if (this.#ramSize <= largestRam) return undefined;
    return new BackplaneError(
      'machine-code-ram',
      `Guest '${guest}' is machine code: the machine has ${hex(this.#ramSize)} bytes of RAM, and processor '${name}' reaches ` +
        `${hex(largestRam)}. Give the machine less: -m ${Math.floor(largestRam / 2 ** 20)}.`,
    );
  }

  beforeChange(): void {
    this.checkReadonly();
  }

  changed(slots: readonly KernelMemorySlot[]): void {
    // RAM that the processor does not reach is not its own, and it executes nothing.
    if (this.#ramSize <= this.machineCode.largestRam) this.#vm.memory.slotsChanged(slots);
  }

  /** The processor says of no page of its RAM whether the guest has stored into it. */
  logsNothing({ userspaceAddress }: KernelMemorySlot): boolean {
    const ram = this.#ram;
    if (ram === undefined || !this.isBegun) return false;
    return userspaceAddress >= ram.hostAddress && userspaceAddress < ram.hostAddress + ram.bytes.length;
  }

  /** The epoch of guest time is about to move on by so much: the time stamp counter does not go back with it. */
  keepTimeStamp(nanoseconds: number): void {
    const processor = this.#execution?.processor;
    const stamp = processor?.getMsr?.(TimeStampCounter);
    if (stamp !== undefined) processor?.setMsr?.(TimeStampCounter, stamp + BigInt(nanoseconds));
  }

  save(): Json {
    this.checkReadonly();
    return saveCode(this.execution.processor, this.machineCode.msrs);
  }

  /** Reads and checks it, and answers how to put it in force. */
  read(reader: JsonReader): () => void {
    const { execution } = this;
    const apply = readCode(reader, execution.processor, this.machineCode.msrs);
    return () => {
      apply();
      execution.begin();
    };
  }

  /** What the guest has changed of read-only memory is put back, and told. */
  checkReadonly(): void {
    if (!this.isBegun) return;
    const address = this.#vm.memory.findOverwritten();
    if (address >= 0) this.onOverwritten(address);
  }
}

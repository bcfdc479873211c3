import type { GuestCode } from '../accelerator/guest/code.ts';
import { OperationKind } from '../accelerator/guest/operation.ts';
import { PageSize } from '../accelerator/kvm/abi.ts';
import { CodePlacement } from '../accelerator/kvm/code-placement.ts';
import { LongModeTableSize, writeLongModeTables } from '../accelerator/kvm/processor-modes.ts';
import { type KvmVcpu, type KvmVm, type MemorySlot, resetRegisters } from '../accelerator/kvm/vm.ts';
import type { RecordedTrace } from '../accelerator/trace/recorded-trace.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import type { AddressSpace, FlatRange, RamBlock } from '../memory/index.ts';
import { compileRecording, lineOf, roomForRecording } from './compiled-recording.ts';

/** Where code that is in no RAM of the machine is looked for a place, and what comes behind it. */
const FirstPlace = 16 * 2 ** 20;
const EndOfPlaces = 2 ** 32;

const roundUp = (size: number): number => Math.ceil(size / PageSize) * PageSize;

/** Memory of its own, which no region of the machine has: the code of a recording, or long mode's tables. */
interface OwnSlot extends MemorySlot {
  readonly block: RamBlock;
}

/** Puts guests where their vCPUs execute them: machine code into the machine's RAM, recordings into a slot beside it. */
export class GuestPlacement {
  private readonly slots: OwnSlot[] = [];
  private tables: OwnSlot | undefined;
  private readonly code: CodePlacement;

  constructor(
    private readonly vm: KvmVm,
    private readonly memory: AddressSpace,
  ) {
    this.code = new CodePlacement(vm, memory, () => this.longModeTables());
  }

  /** Puts machine code into RAM, and its vCPU at its entry. */
  placeCode(vcpu: KvmVcpu, code: GuestCode): void {
    this.code.place(vcpu, code);
  }

  /** Compiles a recording, and puts its vCPU at the beginning of the code. */
  placeRecording(vcpu: KvmVcpu, trace: RecordedTrace): void {
    refuseBackedAddresses(trace, this.memory);
    const size = roundUp(roomForRecording(trace));
    const compiled = compileRecording(trace, this.placeFor(size, trace));
    const slot = this.newSlot(roundUp(compiled.bytes.length), compiled.address, `code of ${trace.name}`);
    slot.block.bytes.set(compiled.bytes);
    resetRegisters(this.vm, vcpu);
    this.code.begin(vcpu, { mode: 'protected', entry: compiled.address });
  }

  /** Gives the slots back. */
  clear(): void {
    for (const slot of this.slots) {
      this.setSlot(slot, 0);
      this.vm.kernel.releaseGuestMemory(slot.block);
    }
    this.slots.length = 0;
    this.tables = undefined;
  }

  /** One for all vCPUs. It is written anew each time: a guest may have changed it before a reset. */
  private longModeTables(): number {
    this.tables ??= this.newSlot(
      LongModeTableSize,
      this.placeFor(LongModeTableSize, undefined),
      'page tables of long mode',
    );
    this.tables.block.bytes.fill(0);
    writeLongModeTables(this.tables.block, this.tables.guestAddress);
    return this.tables.guestAddress;
  }

  /** An address below 4 GiB where the machine has nothing, and the recording makes no access. */
  private placeFor(size: number, trace: RecordedTrace | undefined): number {
    const isTaken = (start: number) =>
      [...this.memory.flatView.ranges, ...this.slots.map(rangeOf)].find(overlaps(start, size));
    let place = FirstPlace;
    while (place + size <= EndOfPlaces) {
      const range = isTaken(place);
      const end = range?.end ?? endOfAccessIn(trace, place, size);
      if (end === undefined) return place;
      place = roundUp(end);
    }
    throw new BackplaneError(
      'no-place-for-code',
      `-accel kvm: the first 4 GiB of the machine have no free ${hex(size)} bytes for the code of the guest. Give it less RAM.`,
    );
  }

  private newSlot(size: number, address: number, name: string): OwnSlot {
    const block = this.vm.kernel.allocateGuestMemory(size, name);
    // The memory listener comes from the other end.
    const number = this.vm.memorySlotLimit - 1 - this.slots.length;
    const slot = { number, flags: 0, guestAddress: address, hostAddress: block.hostAddress, block };
    this.setSlot(slot, size);
    this.slots.push(slot);
    return slot;
  }

  private setSlot(slot: OwnSlot, size: number): void {
    this.vm.setMemorySlot(slot, size, `map the code of the guest at ${hex(slot.guestAddress)}`);
  }
}

const rangeOf = ({ guestAddress: start, block }: OwnSlot) => ({ start, end: start + block.bytes.length });
const overlaps = (start: number, size: number) => (range: { readonly start: number; readonly end: number }) =>
  start < range.end && range.start < start + size;

const isMemory = (kind: number | undefined): boolean => kind === OperationKind.Store || kind === OperationKind.Load;

/** Behind an access of the recording that lies there; undefined if none does. */
function endOfAccessIn(trace: RecordedTrace | undefined, start: number, size: number): number | undefined {
  if (trace === undefined) return undefined;
  let end: number | undefined;
  for (let index = 0; index < trace.length; index++) {
    const address = trace.address[index]!;
    if (!isMemory(trace.kind[index]) || address + trace.size[index]! <= start || address >= start + size) continue;
    end = Math.max(end ?? 0, address + trace.size[index]!);
  }
  return end;
}

/** What RAM or ROM answers never leaves guest mode: such an access would be lost. */
function refuseBackedAddresses(trace: RecordedTrace, { flatView }: AddressSpace): void {
  let range: FlatRange | undefined;
  for (let index = 0; index < trace.length; index++) {
    const address = trace.address[index]!;
    if (!isMemory(trace.kind[index])) continue;
    if (range === undefined || address < range.start || address >= range.end) {
      range = flatView.ranges[flatView.indexOf(address)];
    }
    if (range?.region.ram === undefined || (range.region.kind === 'rom-device' && !range.romdMode)) continue;
    const what = range.readOnly || range.region.readOnly ? 'ROM' : 'RAM';
    throw new BackplaneError(
      'recorded-address-is-ram',
      `Recording '${trace.name}', line ${lineOf(trace, index)}: ${hex(address)} is ${what} of the machine ('${range.region.name}'), and ` +
        'KVM brings no access to it. Replay it on a machine without memory there, or with -accel kvm-sim.',
    );
  }
}

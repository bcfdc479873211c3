import { OperationKind } from '../accelerator/guest/operation.ts';
import { Capability, UserspaceMemoryRegion, VcpuRequest, VmRequest } from '../accelerator/kvm/abi.ts';
import { specialRegistersAfterReset } from '../accelerator/kvm/reset-values.ts';
import { type KvmVcpu, type KvmVm, resetRegisters } from '../accelerator/kvm/vm.ts';
import type { RecordedTrace } from '../accelerator/trace/recorded-trace.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { type AddressSpace, type FlatRange, MemTxResult, type RamBlock } from '../memory/index.ts';
import { type CompiledRecording, compileRecording, lineOf, roomForRecording } from './compiled-recording.ts';
import type { FlatBinary } from './flat-binary.ts';
import { PageSize } from './guest-memory.ts';
import { LongModeTableSize, type ProcessorMode, registersAt, setMode, writeLongModeTables } from './processor-modes.ts';

/** Where code that is in no RAM of the machine is looked for a place, and what comes behind it. */
const FirstPlace = 16 * 2 ** 20;
const EndOfPlaces = 2 ** 32;
/** Slots that the memory listener does not come to, from the last one down. */
const DefaultSlots = 32;

const roundUp = (size: number): number => Math.ceil(size / PageSize) * PageSize;

/** Memory of its own, which no region of the machine has: the code of a recording, or long mode's tables. */
interface OwnSlot {
  readonly number: number;
  readonly block: RamBlock;
  readonly address: number;
}

/** Puts guests where their vCPUs execute them: flat binaries into the machine's RAM, recordings into a slot beside it. */
export class GuestPlacement {
  private readonly slots: OwnSlot[] = [];
  private readonly argument = new DataView(new ArrayBuffer(UserspaceMemoryRegion.size));

  constructor(
    private readonly vm: KvmVm,
    private readonly memory: AddressSpace,
  ) {}

  /** Puts the bytes of a flat binary into RAM, and its vCPU at their beginning. */
  placeBinary(vcpu: KvmVcpu, { name, bytes, address, mode }: FlatBinary): void {
    if (this.memory.writeRom(address, bytes) !== MemTxResult.Ok) {
      throw new BackplaneError(
        'invalid-flat-binary',
        `Flat binary '${name}': the machine has no RAM or ROM for its ${bytes.length} bytes at ${hex(address)}. Give another address, ` +
          'or the machine more RAM.',
      );
    }
    this.begin(vcpu, address, mode);
  }

  /** Compiles a recording, and puts its vCPU at the beginning of the code. */
  placeRecording(vcpu: KvmVcpu, trace: RecordedTrace): CompiledRecording {
    refuseBackedAddresses(trace, this.memory);
    const size = roundUp(roomForRecording(trace));
    const compiled = compileRecording(trace, this.placeFor(size, trace));
    const slot = this.newSlot(roundUp(compiled.bytes.length), compiled.address, `code of ${trace.name}`);
    slot.block.bytes.set(compiled.bytes);
    this.begin(vcpu, compiled.address, 'protected');
    return compiled;
  }

  /** Gives the slots back. */
  clear(): void {
    for (const { number, block, address } of this.slots) {
      this.setSlot(number, block, address, 0);
      this.vm.kernel.releaseGuestMemory(block);
    }
    this.slots.length = 0;
  }

  private begin(vcpu: KvmVcpu, entry: number, mode: ProcessorMode): void {
    const { vm } = this;
    resetRegisters(vm, vcpu);
    const special = specialRegistersAfterReset(vcpu.id);
    setMode(special, mode, entry, mode === 'long' ? this.longModeTables() : 0);
    vm.call(vcpu.fd, VcpuRequest.SetSpecialRegisters, special, `put vCPU ${vcpu.id} into ${mode} mode`);
    vm.call(vcpu.fd, VcpuRequest.SetRegisters, registersAt(entry, mode), `set the registers of vCPU ${vcpu.id}`);
  }

  private longModeTables(): number {
    const name = 'page tables of long mode';
    const address = this.placeFor(LongModeTableSize, undefined);
    writeLongModeTables(this.newSlot(LongModeTableSize, address, name).block, address);
    return address;
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
    const last = (this.vm.extension(Capability.MemorySlotCount) || DefaultSlots) - 1;
    const slot = { number: last - this.slots.length, block: this.vm.kernel.allocateGuestMemory(size, name), address };
    this.setSlot(slot.number, slot.block, address, size);
    this.slots.push(slot);
    return slot;
  }

  private setSlot(number: number, { hostAddress }: RamBlock, address: number, size: number): void {
    const { argument, vm } = this;
    argument.setUint32(UserspaceMemoryRegion.slot, number, true);
    argument.setUint32(UserspaceMemoryRegion.flags, 0, true);
    argument.setBigUint64(UserspaceMemoryRegion.guestAddress, BigInt(address), true);
    argument.setBigUint64(UserspaceMemoryRegion.memorySize, BigInt(size), true);
    argument.setBigUint64(UserspaceMemoryRegion.userspaceAddress, BigInt(hostAddress), true);
    vm.call(vm.vmFd, VmRequest.SetUserMemoryRegion, argument, `map the code of the guest at ${hex(address)}`);
  }
}

const rangeOf = ({ address, block }: OwnSlot) => ({ start: address, end: address + block.bytes.length });
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

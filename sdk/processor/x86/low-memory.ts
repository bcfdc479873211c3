import { MemoryRegionFlag, PageSize } from '../../accelerator/kvm/abi.ts';
import type { KernelMemorySlot, ProcessorMemory } from '../../accelerator/kvm/simulated-kernel/processor.ts';
import { BackplaneError } from '../../base/errors.ts';
import { count } from '../../base/text.ts';
import type { WasmInstance } from './wasm-instance.ts';

const MiB = 2 ** 20;
/** The address space that has windows of other memory over the machine's RAM. */
const LowEnd = 1 * MiB;
/** No RAM of the processor: accesses leave it. */
const VgaStart = 0xa_0000;
const VgaEnd = 0xc_0000;
/** Below guest physical 0 in the module's memory: an address wraps there, so that code below 4 GiB is found. */
const TopSize = 256 * 1024;
const TopStart = 2 ** 32 - TopSize;
export const LargestRam = 2047 * MiB;

/** Whether the processor has bytes of its own there: RAM of so many bytes, or the ROM that ends at 4 GiB. */
export function holdsCode(physical: number, ramSize: number): boolean {
  if (physical >= VgaStart && physical < VgaEnd) return false;
  return physical < ramSize || physical >= TopStart;
}

/** What a bus answers where nothing is. */
const NothingThere = 0xff;

/** What a page below 1 MiB shows: the machine's RAM, which needs no copy, or bytes that are copied over it. */
interface Window {
  /** Undefined: nothing is there. */
  readonly slot: KernelMemorySlot | undefined;
  readonly isWritable: boolean;
}

/**
 * The machine's RAM, at guest physical 0 of the processor, which reads and writes it without asking. So the bytes that a ROM shows below
 * 1 MiB are copied over the RAM there, and the RAM's bytes wait aside. The processor cannot protect them: what a guest has written there
 * is found by comparison.
 */
export class LowMemory implements ProcessorMemory {
  bytes = new Uint8Array(0);
  /** The ROM that ends at 4 GiB. */
  top = new Uint8Array(0);
  readonly #windows: (Window | undefined)[] = [];
  /** The RAM's bytes below a window, and what the window showed at first. */
  readonly #aside = new Uint8Array(LowEnd);
  readonly #shown = new Uint8Array(LowEnd);
  /** The processor's bytes below 1 MiB and the shown ones, to be compared. */
  #words = new Int32Array(0);
  readonly #shownWords = new Int32Array(this.#shown.buffer);
  readonly #restored = new Map<number, Uint8Array>();
  /** Undefined until the kernel has told of some. */
  #slots: readonly KernelMemorySlot[] | undefined;

  constructor(private readonly wasm: WasmInstance) {}

  allocate(size: number, name: string): { readonly bytes: Uint8Array; readonly view: DataView } {
    if (size > LargestRam) {
      throw new BackplaneError(
        'processor-ram-too-large',
        `RAM '${name}' has ${count(size / MiB)} MiB, and the processor x86 reaches ${count(LargestRam / MiB)} MiB. Give at most that.`,
      );
    }
    const whole = Math.max(LowEnd, Math.ceil(size / PageSize) * PageSize);
    const start = this.wasm.allocate(whole, TopSize);
    const { buffer } = this.wasm.exports.memory;
    this.bytes = new Uint8Array(buffer, start, whole);
    this.#words = new Int32Array(buffer, start, LowEnd / 4);
    this.top = new Uint8Array(buffer, start - TopSize, TopSize).fill(NothingThere);
    for (let page = 0; page < LowEnd; page += PageSize) {
      const isMissing = page >= size && (page < VgaStart || page >= VgaEnd);
      if (isMissing) this.#replace(page, { slot: undefined, isWritable: false });
    }
    return { bytes: this.bytes.subarray(0, size), view: new DataView(buffer, start, size) };
  }

  slotsChanged(slots: readonly KernelMemorySlot[]): void {
    const before = this.#slots ?? [];
    if (this.#slots === undefined) this.#showAgain(0, LowEnd);
    this.#slots = slots;
    for (const slot of before) if (!slots.includes(slot)) this.#showAgain(slot.guestAddress, slot.size);
    for (const slot of slots) if (!before.includes(slot)) this.#showAgain(slot.guestAddress, slot.size);
  }

  /** The host means the RAM itself, also below a window. */
  written(start: number, size: number): void {
    const end = Math.min(LowEnd, start + size);
    for (let page = start - (start % PageSize); page < end; page += PageSize) {
      if (this.#windows[page / PageSize] === undefined) continue;
      const from = Math.max(start, page);
      const to = Math.min(end, page + PageSize);
      this.#aside.set(this.bytes.subarray(from, to), from);
      this.bytes.set(this.#shown.subarray(from, to), from);
    }
  }

  findOverwritten(): number {
    let first = -1;
    for (let page = 0; page < LowEnd; page += PageSize) {
      const window = this.#windows[page / PageSize];
      if (window === undefined) continue;
      const changed = window.isWritable ? this.#writeBack(page, window) : this.#firstDifference(page);
      if (changed >= 0 && first < 0) first = changed;
      this.#show(page, window);
    }
    this.#copyTop();
    return first;
  }

  /** The bytes of the RAM that windows lie over, for a snapshot: pairs of page and bytes. */
  *waitingAside(): Generator<[page: number, bytes: Uint8Array]> {
    for (let page = 0; page < LowEnd; page += PageSize) {
      if (this.#windows[page / PageSize] !== undefined) yield [page, this.#aside.subarray(page, page + PageSize)];
    }
  }

  /** The same from a snapshot. If the window is not there yet, the slots will follow before the guest goes on. */
  setAside(page: number, bytes: Uint8Array): void {
    if (this.#windows[page / PageSize] !== undefined) this.#aside.set(bytes, page);
    else this.#restored.set(page, bytes);
  }

  /** The guest goes on: what a snapshot has left for windows to come is of the past. */
  begin(): void {
    if (this.#restored.size > 0) this.#restored.clear();
  }

  /** The slots there are others now. */
  #showAgain(start: number, size: number): void {
    const end = Math.min(LowEnd, start + size);
    for (let page = start; page < end; page += PageSize) {
      if (page < VgaStart || page >= VgaEnd) this.#replace(page, this.#windowAt(page));
    }
    if (start + size > TopStart) this.#copyTop();
  }

  #windowAt(page: number): Window | undefined {
    const slot = this.#slots?.find((one) => page >= one.guestAddress && page < one.guestAddress + one.size);
    const isWritable = slot !== undefined && (slot.flags & MemoryRegionFlag.Readonly) === 0;
    return isWritable && this.#isRam(slot, page) ? undefined : { slot, isWritable };
  }

  #isRam({ view, guestAddress }: KernelMemorySlot, page: number): boolean {
    return view?.buffer === this.bytes.buffer && view.byteOffset + page - guestAddress === this.bytes.byteOffset + page;
  }

  #replace(page: number, window: Window | undefined): void {
    const old = this.#windows[page / PageSize];
    if (old?.slot === window?.slot && old?.isWritable === window?.isWritable) return;
    if (old === undefined) {
      this.#aside.set(this.#restored.get(page) ?? this.bytes.subarray(page, page + PageSize), page);
      this.#restored.delete(page);
    } else if (old.isWritable) this.#writeBack(page, old);
    this.#windows[page / PageSize] = window;
    if (window !== undefined) this.#show(page, window);
    else this.bytes.set(this.#aside.subarray(page, page + PageSize), page);
  }

  /** Copies what the slot holds now. */
  #show(page: number, { slot }: Window): void {
    const target = this.bytes.subarray(page, page + PageSize);
    if (slot !== undefined && this.#isRam(slot, page)) target.set(this.#aside.subarray(page, page + PageSize));
    else if (slot?.view === undefined) target.fill(NothingThere);
    else target.set(new Uint8Array(slot.view.buffer, slot.view.byteOffset + page - slot.guestAddress, PageSize));
    this.#shown.set(target, page);
  }

  /** The guest's stores go to the memory that it sees there. They are no mistake: answers -1. */
  #writeBack(page: number, { slot }: Window): -1 {
    const view = slot?.view;
    if (slot === undefined || view === undefined) return -1;
    if (this.#firstDifference(page) < 0) return -1;
    new Uint8Array(view.buffer, view.byteOffset + page - slot.guestAddress, PageSize).set(
      this.bytes.subarray(page, page + PageSize),
    );
    return -1;
  }

  #firstDifference(page: number): number {
    const end = (page + PageSize) / 4;
    let word = page / 4;
    while (word < end && this.#words[word] === this.#shownWords[word]) word++;
    if (word === end) return -1;
    let at = word * 4;
    while (this.bytes[at] === this.#shown[at]) at++;
    return at;
  }

  #copyTop(): void {
    this.top.fill(NothingThere);
    for (const { view, guestAddress, size } of this.#slots ?? []) {
      const start = Math.max(guestAddress, TopStart);
      const end = Math.min(guestAddress + size, 2 ** 32);
      if (view === undefined || start >= end) continue;
      this.top.set(new Uint8Array(view.buffer, view.byteOffset + start - guestAddress, end - start), start - TopStart);
    }
  }
}

import {
  type DmaPort,
  KiB,
  MemTxResult,
  MICROSECOND,
  shape,
  state,
  type Timer,
  type VirtualClock,
} from '../../sdk/index.ts';

/** @see QEMU 7.2, docs/specs/fw_cfg.txt, "Guest-side DMA Interface" */
export const Control = { Error: 0x01, Read: 0x02, Skip: 0x04, Select: 0x08, Write: 0x10 } as const;
const DescriptorBytes = 16;
/** What one access of the guest copies; the rest of a longer transfer follows in guest time, at 1 GB a second. */
const ChunkBytes = 64 * KiB;
const ChunkTime = 64 * MICROSECOND;
const Zeros = new Uint8Array(ChunkBytes);
const LongestLength = 2 ** 32 - 1;

/** Addresses beyond 2^53 are alike: nothing is there. */
const address = (high: number, low: number): number => Math.min(high * 2 ** 32 + low, Number.MAX_SAFE_INTEGER);

/** What the guest asks for in its memory. */
export interface Descriptor {
  /** Where it is. */
  readonly at: number;
  readonly control: number;
  readonly length: number;
  readonly address: number;
}

/**
 * Copies an item into guest memory, and zeros after its end. The guest may ask for 4 GiB: the first 64 KiB are copied at once,
 * the others by a timer. It ends at the first address that does not answer.
 */
export class Transfer {
  @state({ as: shape.bits(53) }) private descriptor = 0;
  /** Of the item. */
  @state({ as: shape.bits(16) }) private key = 0;
  /** In the item, from here on. */
  @state({ as: shape.bits(33) }) private from = 0;
  @state({ as: shape.bits(53) }) private to = 0;
  @state({ as: shape.integer(0, LongestLength) }) private left = 0;
  readonly #next: Timer;
  readonly #word = new Uint8Array(4);
  readonly #read = new Uint8Array(DescriptorBytes);

  constructor(
    private readonly clock: VirtualClock,
    private readonly memory: DmaPort,
    private readonly items: { at(key: number): Uint8Array | undefined },
  ) {
    this.#next = clock.timer('transfer', () => this.copy());
  }

  get isUnderWay(): boolean {
    return this.left > 0;
  }

  /** What the guest has written there. Undefined where nothing answers: the error bit is all that may get there. */
  readDescriptor(high: number, low: number): Descriptor | undefined {
    const at = address(high, low);
    const bytes = this.#read;
    if (this.memory.read(at, bytes) !== MemTxResult.Ok) {
      this.finish(at, false);
      return undefined;
    }
    const view = new DataView(bytes.buffer);
    return {
      at,
      control: view.getUint32(0),
      length: view.getUint32(4),
      address: address(view.getUint32(8), view.getUint32(12)),
    };
  }

  /** Copies `length` bytes of the item from `from` on. Answers before the end if there are many. */
  start({ at, length, address: to }: Descriptor, key: number, from: number): void {
    Object.assign(this, { descriptor: at, key, from, to, left: length });
    this.copy();
  }

  /** The guest sees by the descriptor's control field that its request is done. */
  finish(descriptor: number, isGood: boolean): void {
    this.#word[3] = isGood ? 0 : Control.Error;
    this.memory.write(descriptor, this.#word);
  }

  /** As at first: nothing is copied. */
  cancel(): void {
    Object.assign(this, { descriptor: 0, key: 0, from: 0, to: 0, left: 0 });
    this.#next.cancel();
  }

  private copy(): void {
    const count = Math.min(this.left, ChunkBytes);
    const rest = this.items.at(this.key)?.subarray(this.from, this.from + count) ?? Zeros.subarray(0, 0);
    const isGood = this.put(this.to, rest) && this.put(this.to + rest.length, Zeros.subarray(rest.length, count));
    this.from += rest.length;
    this.to = Math.min(this.to + count, Number.MAX_SAFE_INTEGER);
    this.left = isGood ? this.left - count : 0;
    if (this.left > 0) this.#next.arm(this.clock.now + ChunkTime);
    else this.finish(this.descriptor, isGood);
  }

  private put(to: number, bytes: Uint8Array): boolean {
    return bytes.length === 0 || this.memory.write(to, bytes) === MemTxResult.Ok;
  }
}

/** Widths in bytes: 1, 2, 4 or 8. Unset means QEMU's default, written at each use. */
export interface AccessSizes {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly unaligned?: boolean | undefined;
}

/** What the region accepts from the bus. Without `max` every width is accepted (wider than 4 arrive split). */
export interface AcceptedSizes extends AccessSizes {
  accepts?(offset: number, size: number, isWrite: boolean, attributes: number): boolean;
}

/** Checks the first answers of a read handler. */
export interface AnswerWatch {
  /** Answers whether to go on; after that the handler is called directly. */
  see(device: object | null, answer: unknown, offset: number): boolean;
}

/**
 * One handler and the bytes it covers. An access goes to the route that covers its first byte. Handlers are called with the
 * ops' device as `this` and plain numbers; nothing is allocated.
 */
export interface Route {
  readonly offset: number;
  /** Bytes covered; Infinity covers everything from `offset` on, also what runs over the region's end. */
  readonly size: number;
  readonly read?: ((this: never, offset: number, size: number, attributes: number) => number) | undefined;
  readonly write?:
    | ((this: never, value: number, offset: number, size: number, attributes: number) => void)
    | ((this: never, value: number, offset: number, size: number, attributes: number) => number)
    | undefined;
  readonly read64?: ((this: never, offset: number, size: number) => bigint) | undefined;
  readonly write64?: ((this: never, value: bigint, offset: number, size: number) => void) | undefined;
  /** The only widths this route takes; others go to a wider route, or are missing. */
  readonly accessSize?: number | readonly number[] | undefined;
  /**
   * The number handlers also get the attributes and may fail. A read fails by a negative result, `-MemTxResult.Error`, a
   * write by a MemTxResult.
   */
  readonly withAttributes?: boolean | undefined;
  /** Checks the first answers of the read handler, which is called by the slow path meanwhile. @internal */
  readonly watch?: AnswerWatch | undefined;
}

/** What an access answers that no route takes. It ends Ok: the region is there, only this register is not. */
export interface MissingRoute {
  readonly read?: 'zeros' | 'ones' | undefined;
  onMissing?(offset: number, size: number, isWrite: boolean): void;
}

/** How a region answers accesses, as its map knows it. A `RegionOps` of `backplane/runtime` is the only one. */
export interface SealedRegionOps {
  readonly bigEndian: boolean;
  /** Whether an access is refused as a whole: it then reads 0 and ends with a decode error. */
  refuses(offset: number, size: number, isWrite: boolean, attributes: number): boolean;
  /** How many bytes of an access of `size` the region gets at once. */
  accessSize(size: number, offset: number): number;
}

export interface RegionOpsSpec {
  /** The receiver of every handler. */
  readonly device: object | null;
  readonly routes: readonly Route[];
  readonly valid?: AcceptedSizes | undefined;
  readonly impl?: AccessSizes | undefined;
  readonly endianness?: 'little' | 'big' | undefined;
  readonly missing?: MissingRoute | undefined;
  /** What a read of so many bytes would answer, without side effects; undefined if that is not known. Default: it never is. */
  readonly peek?: ((offset: number, size: number) => bigint | undefined) | undefined;
}

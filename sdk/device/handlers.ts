/**
 * The shapes a handler may have. A wrong one does not compile; the sentences about what is wrong are TypeScript's, so the
 * types are named for what they are. A write handler answers nothing: `undefined` beside `void` makes the compiler refuse
 * an async handler, which plain `void` would let pass.
 */

// biome-ignore lint/suspicious/noConfusingVoidType: see above, it is what refuses Promise<void>
export type Nothing = void | undefined;

/** `(offset, size)`: what the guest reads, in the low `size` bytes. */
export type ReadHandler = (offset: number, size: number) => number;
/** `(value, offset, size)`: what the guest wrote, already cut to `size` bytes and never negative. */
export type WriteHandler = (value: number, offset: number, size: number) => Nothing;
export type Read64Handler = (offset: number, size: number) => bigint;
export type Write64Handler = (value: bigint, offset: number, size: number) => Nothing;
/** The second form: `attributes` is the packed `MemTxAttributes`; a negative answer is a `MemTxResult`, negated. */
export type ReadWithAttributesHandler = (offset: number, size: number, attributes: number) => number;
/** The second form: the answer, if any, is a `MemTxResult`. */
export type WriteWithAttributesHandler = (
  value: number,
  offset: number,
  size: number,
  attributes: number,
) => number | Nothing;

/** Which of its accesses a handler takes. */
export interface HandlerOptions {
  /** Only accesses of this many bytes; without it, every size the region implements. */
  readonly size?: number | readonly number[];
  /**
   * How many bytes from its offset the handler answers for. Without it: up to the widest access it takes, at most to the
   * next handler of the same direction, or, with no offset given, the whole region.
   */
  readonly length?: number;
}

export type HandlerForm = 'plain' | '64-bit' | 'attributes';

/** One `@ports.read(...)` as written; what it means is worked out when the class is complete. */
export interface HandlerDeclaration {
  readonly method: string;
  readonly isWrite: boolean;
  readonly form: HandlerForm;
  readonly offset: number | undefined;
  readonly length: number | undefined;
  readonly sizes: readonly number[] | undefined;
  /** Stands for a declared register: where that one begins. `method` is then the field that holds it. */
  readonly register?: number;
}

/** A handler with nothing left open: bytes `offset` to `offset + length`, accesses of `sizes` that begin there. */
export interface HandlerRoute {
  readonly method: string;
  readonly isWrite: boolean;
  readonly form: HandlerForm;
  readonly offset: number;
  readonly length: number;
  readonly sizes: readonly number[];
  /** Stands for a declared register: where that one begins. `method` is then the field that holds it. */
  readonly register?: number;
}

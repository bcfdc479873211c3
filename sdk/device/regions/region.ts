import { BackplaneError } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import { type AccessSizes, describeRange } from '../../memory/index.ts';
import type { RegisterBank } from '../registers/model.ts';

/** What every region says about itself. Sizes and addresses are bytes. */
export interface PlaceSpec {
  /** The name in `info mtree`, in warnings and in messages. */
  readonly name: string;
  readonly size: number;
  /** Where it is mapped unless the machine says otherwise; a BAR, for instance, has none. */
  readonly base?: number;
  /** Against overlapping regions of the same container; the higher one wins. Default 0. */
  readonly priority?: number;
}

/** What a region with handlers says about itself and about accesses. */
export interface HandledRegionSpec extends PlaceSpec {
  /** The access widths that are both accepted and implemented: `[1]`, `[1, 2, 4]`. Instead of the next two. */
  readonly accessSizes?: readonly number[];
  /** What a guest may do; anything else is a decode error. Default: 1 to 4 bytes, aligned. */
  readonly accepts?: AccessSizes;
  /**
   * What the handlers can do. Wider accesses are split. Of a narrower one the handler gets the word around it, aligned, and a write
   * says by `lanes` which bits of it the guest wrote. Default: 1 to 4 bytes, aligned.
   */
  readonly implements?: AccessSizes;
  readonly endianness?: 'little' | 'big';
  /** 'silent': an access that no handler takes is not a guest error. */
  readonly missing?: 'guest-error' | 'silent';
  /**
   * The chip decodes only as many address lines as its size needs: its registers repeat where an access runs over the end
   * of the region. Without it such bytes have no register, unless a handler without an offset takes them.
   */
  readonly mirrored?: boolean;
  /**
   * What an access does that runs over the end of the register in which it begins. 'next-register': byte enables, each register gets
   * its bytes. 'dropped': the chip decodes the first byte only, and the rest is lost; reads of it are zero. Default: 'next-register'.
   */
  readonly overrun?: 'next-register' | 'dropped';
}

/**
 * A region as a value of the device's file. It is a template: each instance of the device gets a memory region of its own from
 * it when it is realized. The machine and the class header name the region by this value.
 */
export abstract class RegionTemplate {
  /** What it becomes. */
  abstract readonly kind: 'ports' | 'memory' | 'container' | 'ram' | 'rom';
  readonly name: string;
  readonly size: number;
  readonly base: number | undefined;
  readonly priority: number;

  protected constructor(spec: PlaceSpec) {
    checkPlace(spec);
    this.name = spec.name;
    this.size = spec.size;
    this.base = spec.base;
    this.priority = spec.priority ?? 0;
  }
}

/** A region whose accesses handlers and registers answer: what is declared of it. */
export abstract class IoRegionTemplate extends RegionTemplate implements RegisterBank {
  /** @internal */
  readonly accepts: CheckedSizes;
  /** @internal */
  readonly implements: CheckedSizes;
  readonly endianness: 'little' | 'big';
  readonly missing: 'guest-error' | 'silent';
  readonly mirrored: boolean;
  readonly overrun: 'next-register' | 'dropped';

  constructor(
    readonly kind: 'ports' | 'memory',
    spec: HandledRegionSpec,
  ) {
    super(spec);
    const sizes = checkSizes(kind, spec);
    this.accepts = sizes.accepts;
    this.implements = sizes.implements;
    this.endianness = spec.endianness ?? 'little';
    this.missing = spec.missing ?? 'guest-error';
    this.mirrored = spec.mirrored ?? false;
    this.overrun = spec.overrun ?? 'next-register';
    Object.freeze(this);
  }
}

/** A region without handlers, in which a device maps others at run time. */
export class ContainerRegion extends RegionTemplate {
  readonly kind = 'container';

  constructor(spec: PlaceSpec) {
    super(spec);
    Object.freeze(this);
  }
}

/** A range that only holds other regions, which its device maps into it. */
export function containerRegion(spec: PlaceSpec): ContainerRegion {
  return new ContainerRegion(spec);
}

// The shapes a handler may have. What is wrong with another, TypeScript says, so the types are named for what they are.

/** A write handler answers nothing: `undefined` beside `void` has the compiler refuse an async one, which `void` alone lets pass. */
// biome-ignore lint/suspicious/noConfusingVoidType: see above
export type Nothing = void | undefined;

/** `(offset, size)`: what the guest reads, in the low `size` bytes. A bigint for accesses of eight bytes. */
export type ReadHandler<V extends number | bigint = number> = (offset: number, size: number) => V;
/**
 * `(value, offset, size, lanes)`: what the guest wrote, already cut to `size` bytes and never negative. `lanes` has ones for the bits
 * that the guest wrote: all of them, unless the region accepts narrower accesses than it implements.
 */
export type WriteHandler<V extends number | bigint = number> = (
  value: V,
  offset: number,
  size: number,
  lanes: V,
) => Nothing;
/** The second form: `attributes` is the packed `MemTxAttributes`; a negative answer is a `MemTxResult`, negated. */
export type ReadWithAttributesHandler = (offset: number, size: number, attributes: number) => number;
/** The second form: the answer, if any, is a `MemTxResult`. */
export type WriteWithAttributesHandler = (
  value: number,
  offset: number,
  size: number,
  attributes: number,
  lanes: number,
) => number | Nothing;

/** Which of its accesses a handler takes. */
export interface HandlerOptions {
  /** Only accesses of this many bytes; without it, every size the region implements. */
  readonly size?: number | readonly number[];
  /**
   * How many bytes from its offset the handler answers for. Default: as many as its widest access, at most up to the next
   * handler of the same direction. Without an offset: the whole region.
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

/** Access sizes with nothing left to default. */
export interface CheckedSizes {
  readonly min: number;
  readonly max: number;
  readonly unaligned: boolean;
}

const placeWords = ['name', 'size', 'base', 'priority'];
const accessWords = ['accessSizes', 'accepts', 'implements', 'endianness', 'missing', 'mirrored', 'overrun'];
const regionWords = [...placeWords, ...accessWords];
const bankWords = ['name', 'size', 'accessSizes', 'endianness', 'missing', 'mirrored', 'overrun'];
const PortSpace = 0x1_0000;
const isAccessSize = (size: number): boolean => size === 1 || size === 2 || size === 4 || size === 8;

/** Refuses a region that cannot be anywhere, while the device's file is being loaded. */
export function checkPlace(spec: PlaceSpec, kind: 'carried' | undefined = undefined): void {
  const where = `${kind === undefined ? 'Region' : 'Bank'} '${spec.name}'`;
  const fail = (code: string, what: string): never => {
    throw new BackplaneError(code, `${where}: ${what}`);
  };
  const unknown = unknownWord(spec, kind === undefined ? regionWords : bankWords);
  if (unknown !== undefined) throw new BackplaneError('unknown-word', `${where} ${unknown}`);
  if (spec.name === '')
    throw new BackplaneError(
      'region-without-name',
      `A ${kind === undefined ? 'region' : 'bank'} needs a name: it is what info mtree and messages show.`,
    );
  if (!Number.isInteger(spec.size) || spec.size <= 0) {
    fail('invalid-region-size', `size ${spec.size} is not a number of bytes. Give it a whole number above 0.`);
  }
  if (spec.base !== undefined && (!Number.isSafeInteger(spec.base) || spec.base < 0)) {
    fail('invalid-region-base', `base ${spec.base} is not an address. Give it a whole number from 0, or leave it out.`);
  }
  if (spec.priority !== undefined && !Number.isInteger(spec.priority)) {
    fail('invalid-priority', `priority ${spec.priority} is not a whole number.`);
  }
}

/** Works out the accepted and the implemented sizes, and refuses combinations that mean nothing. */
export function checkSizes(
  kind: RegisterBank['kind'],
  spec: HandledRegionSpec,
): { accepts: CheckedSizes; implements: CheckedSizes } {
  const where = `${kind === 'carried' ? 'Bank' : 'Region'} '${spec.name}'`;
  if (kind === 'ports' && spec.size > PortSpace) {
    throw new BackplaneError(
      'invalid-region-size',
      `${where}: ${hex(spec.size)} ports do not fit into ${hex(PortSpace)}. Use mmioRegion for memory.`,
    );
  }
  if (kind === 'ports' && spec.base !== undefined && spec.base + spec.size > PortSpace) {
    throw new BackplaneError(
      'invalid-region-base',
      `${where}: ports ${describeRange(spec.base, spec.size)} pass the last port ${hex(PortSpace - 1)}. ` +
        'Lower its base or its size.',
    );
  }
  const widest = kind === 'memory' ? 8 : 4;
  if (spec.accessSizes === undefined) {
    return {
      accepts: checkRange(where, 'accepts', spec.accepts, widest),
      implements: checkRange(where, 'implements', spec.implements, widest),
    };
  }
  if (spec.accepts !== undefined || spec.implements !== undefined) {
    throw new BackplaneError(
      'invalid-access-sizes',
      `${where}: accessSizes already says what it accepts and implements. Leave out accessSizes, or accepts and implements.`,
    );
  }
  const both = checkList(where, spec.accessSizes, widest);
  return { accepts: both, implements: both };
}

function checkList(where: string, sizes: readonly number[], widest: number): CheckedSizes {
  const sorted = [...sizes].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const gapless = sorted.every((size, index) => index === 0 || size === 2 * (sorted[index - 1] as number));
  if (min === undefined || max === undefined || !sorted.every(isAccessSize) || max > widest || !gapless) {
    throw new BackplaneError(
      'invalid-access-sizes',
      `${where}: accessSizes [${sizes.join(', ')}] is not a run of access widths. ` +
        `Give each of 1, 2, 4${widest === 8 ? ', 8' : ''} from the narrowest to the widest it takes, once.`,
    );
  }
  return Object.freeze({ min, max, unaligned: false });
}

function checkRange(where: string, which: string, sizes: AccessSizes | undefined, widest: number): CheckedSizes {
  const min = sizes?.min ?? 1;
  const max = sizes?.max ?? Math.max(4, min);
  if (!isAccessSize(min) || !isAccessSize(max) || min > max || max > widest) {
    throw new BackplaneError(
      'invalid-access-sizes',
      `${where}: ${which} ${min} to ${max} bytes is not a range of access widths. ` +
        `min and max are 1, 2, 4${widest === 8 ? ' or 8' : ''}, min not above max.`,
    );
  }
  return Object.freeze({ min, max, unaligned: sizes?.unaligned ?? false });
}

import type { AccessSizes } from '../memory/index.ts';
import { recordOf } from './blueprint.ts';
import { checkBrackets, checkMember } from './decorated-member.ts';
import type { Device } from './device.ts';
import type {
  HandlerForm,
  HandlerOptions,
  Read64Handler,
  ReadHandler,
  ReadWithAttributesHandler,
  Write64Handler,
  WriteHandler,
  WriteWithAttributesHandler,
} from './handlers.ts';
import { type CheckedSizes, checkPlace, checkSizes } from './region-checks.ts';
import { makeRegister, type OnlyKnown, type Register, type RegisterSpec } from './registers/register.ts';

/** What a template becomes. */
export type TemplateKind = 'ports' | 'memory' | 'container';

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

/** What a region with handlers says about accesses. */
export interface AccessSpec {
  /** The access widths that are both accepted and implemented: `[1]`, `[1, 2, 4]`. Instead of the next two. */
  readonly accessSizes?: readonly number[];
  /** What a guest may do; anything else is a decode error. Default: 1 to 4 bytes, aligned. */
  readonly accepts?: AccessSizes;
  /** What the handlers can do; accesses are split or widened to it. Default: 1 to 4 bytes, aligned. */
  readonly implements?: AccessSizes;
  readonly endianness?: 'little' | 'big';
  /** 'silent': an access that no handler takes is not a guest error. */
  readonly missing?: 'guest-error' | 'silent';
  /**
   * The chip decodes only as many address lines as its size needs: its registers repeat where an access runs over the end
   * of the region. Without it such bytes have no register, unless a handler without an offset takes them.
   */
  readonly mirrored?: boolean;
}

export type HandledRegionSpec = PlaceSpec & AccessSpec;

/**
 * A region as a value of the device's file: a template, from which every instance of the device gets a memory region of its
 * own when it is realized. The value is also how the machine and the class header name the region.
 */
export abstract class RegionTemplate {
  abstract readonly kind: TemplateKind;
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

/** A region without handlers, in which a device maps others at run time. */
export class ContainerRegion extends RegionTemplate {
  readonly kind = 'container';

  constructor(spec: PlaceSpec) {
    super(spec);
    Object.freeze(this);
  }
}

type MethodDecoratorFor<H> = <M extends H>(
  target: Device,
  method: string,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/** A region whose accesses are methods of the device. It mints the decorators that say which. */
export class HandledRegion extends RegionTemplate {
  readonly accepts: CheckedSizes;
  readonly implements: CheckedSizes;
  readonly endianness: 'little' | 'big';
  readonly missing: 'guest-error' | 'silent';
  readonly mirrored: boolean;

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
    Object.freeze(this);
  }

  /** `(offset, size) => number`. Without an offset the handler answers for the whole region. */
  read(offset?: number, options?: HandlerOptions): MethodDecoratorFor<ReadHandler> {
    return this.handler(false, 'plain', offset, options);
  }

  /** `(value, offset, size) => void`. Without an offset the handler answers for the whole region. */
  write(offset?: number, options?: HandlerOptions): MethodDecoratorFor<WriteHandler> {
    return this.handler(true, 'plain', offset, options);
  }

  /** `(offset, size) => bigint`, for registers that are read eight bytes at a time; narrower reads come here too. */
  read64(offset?: number, options?: HandlerOptions): MethodDecoratorFor<Read64Handler> {
    return this.handler(false, '64-bit', offset, options);
  }

  /** `(value: bigint, offset, size) => void`; narrower writes come here too. */
  write64(offset?: number, options?: HandlerOptions): MethodDecoratorFor<Write64Handler> {
    return this.handler(true, '64-bit', offset, options);
  }

  /** `(offset, size, attributes) => number`; a negative answer is a `MemTxResult`, negated. */
  readWithAttributes(offset?: number, options?: HandlerOptions): MethodDecoratorFor<ReadWithAttributesHandler> {
    return this.handler(false, 'attributes', offset, options);
  }

  /** `(value, offset, size, attributes) => MemTxResult or nothing`. */
  writeWithAttributes(offset?: number, options?: HandlerOptions): MethodDecoratorFor<WriteWithAttributesHandler> {
    return this.handler(true, 'attributes', offset, options);
  }

  /** A register at this offset, held by a field of the class: `@registers.register(0x20, { width: 32 }) status = 0`. */
  register<const S extends RegisterSpec>(offset: number, spec: OnlyKnown<S>): Register<S> {
    return makeRegister<S>({ region: this, offset, spec, indexed: undefined }, recordOf);
  }

  private handler(isWrite: boolean, form: HandlerForm, offset: number | undefined, options: HandlerOptions = {}) {
    checkBrackets(offset, options, decoratorName(this, isWrite, form));
    const { size, length } = options;
    const sizes = size === undefined ? undefined : typeof size === 'number' ? [size] : [...size];
    return (target: object, method: string): void => {
      checkMember(target, method, `a handler in region '${this.name}'`);
      recordOf(target.constructor).addHandler(this, { method, isWrite, form, offset, length, sizes });
    };
  }
}

/** A range of I/O ports. Accesses that no handler takes answer all ones, as an empty bus does. */
export function portRegion(spec: HandledRegionSpec): HandledRegion {
  return new HandledRegion('ports', spec);
}

/** A range of memory addresses answered by handlers. Accesses that no handler takes answer zero. */
export function mmioRegion(spec: HandledRegionSpec): HandledRegion {
  return new HandledRegion('memory', spec);
}

/** A range that only holds other regions, which its device maps into it. */
export function containerRegion(spec: PlaceSpec): ContainerRegion {
  return new ContainerRegion(spec);
}

function decoratorName({ name }: HandledRegion, isWrite: boolean, form: HandlerForm): string {
  const forms: Readonly<Record<HandlerForm, string>> = { plain: '', '64-bit': '64', attributes: 'WithAttributes' };
  return `.${isWrite ? 'write' : 'read'}${forms[form]}() of region '${name}'`;
}

import { BackplaneError } from '../../memory/index.ts';
import { recordOf } from '../blueprint.ts';
import type { HandledRegion } from '../region-template.ts';
import { FieldSpec } from './fields.ts';
import { makeRegister, type OnlyKnown, type Register, type RegisterDefinition, type RegisterSpec } from './register.ts';

/** The register that chooses: up to 32 bits, not an array. */
interface IndexRegister {
  readonly definition: RegisterDefinition;
  readonly fields: object;
}

/** Any register, as far as types go. */
interface NamedRegister extends IndexRegister {
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface IndexedRegistersSpec<I extends IndexRegister = IndexRegister> {
  /** The register in which the guest writes which one it wants. */
  readonly index: I;
  /** Which field of the index register chooses, if not the whole. */
  readonly field?: keyof I['fields'] & string;
  /** The offset at which it then finds it. */
  readonly data: number;
  /** Where the data port is, if not in the region of the index. */
  readonly region?: HandledRegion;
}

/**
 * Registers behind an index and a data port, as a clock chip and a video card have them. Writes to the index can be coalesced
 * (`@addCoalescedIo(ports, { offset: Port.Index, size: 1 })`) as long as nothing but an access to the data port asks for it.
 */
export class IndexedRegisters {
  private readonly by: RegisterDefinition;
  private readonly field: FieldSpec | undefined;
  private readonly region: HandledRegion;
  private readonly data: number;

  constructor({ index, field, data, region }: IndexedRegistersSpec<NamedRegister>) {
    const { spec } = index.definition;
    const chosen = field === undefined ? undefined : spec.fields?.[field];
    this.by = index.definition;
    this.field = chosen instanceof FieldSpec ? chosen : undefined;
    this.region = region ?? index.definition.region;
    this.data = data;
    if (spec.count !== undefined || spec.width === 64) {
      throw new BackplaneError(
        `Region '${this.region.name}': registers cannot be chosen by an array or by 64 bits. ` +
          'Give the index a register of its own, of 8, 16 or 32 bits.',
      );
    }
  }

  /** The register that the guest finds while `index` stands in the index register. */
  register<const S extends RegisterSpec>(index: number, spec: OnlyKnown<S>): Register<S> {
    if ((spec as RegisterSpec).width === 64) {
      throw new BackplaneError(`Region '${this.region.name}': a data port shows up to 32 bits, not 64.`);
    }
    const definition = {
      region: this.region,
      offset: this.data,
      spec,
      indexed: { by: this.by, field: this.field, index },
    };
    return makeRegister<S>(definition, recordOf);
  }
}

/** `const cmos = indexedRegisters({ index, data: Port.Data })`, then `@cmos.register(0x0b, { width: 8 }) statusB = 0`. */
export function indexedRegisters<const I extends IndexRegister>(spec: IndexedRegistersSpec<I>): IndexedRegisters {
  return new IndexedRegisters(spec as unknown as IndexedRegistersSpec<NamedRegister>);
}

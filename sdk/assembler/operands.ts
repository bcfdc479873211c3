import type { bp, bx, di, GeneralRegister, SegmentRegister, si, Width } from './registers.ts';

/** A value that depends on labels; see `labelPlus`, `linear` and `distance`. */
export interface LabelValue {
  readonly kind: 'label-value';
  readonly label: string;
  /** This label's address is subtracted. */
  readonly from?: string;
  readonly plus: number;
  /** The address itself, also in 16-bit code whose labels are offsets from a segment base. */
  readonly isLinear: boolean;
}

/** A number, the name of a label, or a value made of labels. Numbers may be signed or unsigned. */
export type Value = number | string | LabelValue;

/** The value of a label, plus a number. */
export const labelPlus = (label: string, plus: number): LabelValue => ({
  kind: 'label-value',
  label,
  plus,
  isLinear: false,
});

/** The linear address of a label, plus a number: the segment base of 16-bit code is not subtracted. */
export const linear = (label: string, plus = 0): LabelValue => ({ kind: 'label-value', label, plus, isLinear: true });

/** The bytes from one label to another, plus a number: `distance('gdt', 'end-of-gdt', -1)`. */
export const distance = (from: string, to: string, plus = 0): LabelValue => ({
  kind: 'label-value',
  label: to,
  from,
  plus,
  isLinear: true,
});

/** What any address has. */
export interface AnyAddress {
  readonly offset?: Value;
  /** The segment register, where it is not the default one. */
  readonly segment?: SegmentRegister;
}

/** `[bx+si+2]`: BX or BP, SI or DI, an offset of 16 bits. */
export type Address16 = AnyAddress &
  (
    | { readonly base: typeof bx | typeof bp; readonly index?: typeof si | typeof di }
    | { readonly base: typeof si | typeof di; readonly index?: never }
  ) & { readonly scale?: never; readonly bits?: never };

/** A register that an address of 32 bits may scale: each but ESP. */
export type IndexRegister = GeneralRegister<32, 'eax' | 'ecx' | 'edx' | 'ebx' | 'ebp' | 'esi' | 'edi'>;

/** `[ebx+ecx*4+8]`: a base, an index with a scale, an offset of 32 bits. */
export type Address32 = AnyAddress &
  (
    | {
        readonly base: GeneralRegister<32>;
        readonly index?: IndexRegister;
        readonly scale?: 1 | 2 | 4 | 8;
      }
    | { readonly base?: never; readonly index: IndexRegister; readonly scale?: 1 | 2 | 4 | 8 }
  ) & { readonly bits?: never };

/** An offset alone, of the width of the code, or of `bits`. */
export type AbsoluteAddress = AnyAddress & {
  readonly offset: Value;
  readonly bits?: 16 | 32;
  readonly base?: never;
  readonly index?: never;
  readonly scale?: never;
};

export type Address = Address16 | Address32 | AbsoluteAddress;

/** An address, or in short a base register, a number or a label. */
export type AddressLike = Address | GeneralRegister<32> | typeof bx | typeof bp | typeof si | typeof di | Value;

/** A place in memory, and the width of what is accessed. */
export interface Memory<W extends Width = Width> {
  readonly kind: 'memory';
  readonly width: W;
  readonly address: Address;
}

export const addressOf = (like: AddressLike): Address => {
  if (typeof like !== 'object') return { offset: like };
  if (!('kind' in like)) return like;
  return (like.kind === 'label-value' ? { offset: like } : { base: like }) as Address;
};

/** A byte in memory: `byte(ebx)`, `byte('table')`, `byte({ base: bx, index: si, offset: 2 })`. */
export const byte = (address: AddressLike): Memory<8> => ({ kind: 'memory', width: 8, address: addressOf(address) });

/** Two bytes in memory. */
export const word = (address: AddressLike): Memory<16> => ({ kind: 'memory', width: 16, address: addressOf(address) });

/** Four bytes in memory. */
export const dword = (address: AddressLike): Memory<32> => ({ kind: 'memory', width: 32, address: addressOf(address) });

/** What ModRM can name: a general register, or a place in memory. */
export type RegisterOrMemory<W extends Width = Width> = GeneralRegister<W> | Memory<W>;

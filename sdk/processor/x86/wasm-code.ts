import { padded, signed, unsigned } from './wasm-file.ts';

/** @see WebAssembly Core Specification 2.0, 5.4 */
export const Op = {
  Unreachable: 0x00,
  If: 0x04,
  Else: 0x05,
  End: 0x0b,
  Branch: 0x0c,
  BranchIf: 0x0d,
  Call: 0x10,
  Drop: 0x1a,
  Select: 0x1b,
  LocalGet: 0x20,
  LocalSet: 0x21,
  LocalTee: 0x22,
  I32Load: 0x28,
  I32Load8U: 0x2d,
  I32Load16U: 0x2f,
  I32Store: 0x36,
  I32Store8: 0x3a,
  I32Store16: 0x3b,
  I32Const: 0x41,
  I32EqualsZero: 0x45,
  I32Eq: 0x46,
  I32LessThanS: 0x48,
  I32LessThanU: 0x49,
  I32GreaterThanU: 0x4b,
  I32GreaterEqualU: 0x4f,
  I32Add: 0x6a,
  I32Sub: 0x6b,
  I32And: 0x71,
  I32Or: 0x72,
} as const;

export const local = (index: number) => [Op.LocalGet, ...unsigned(index)];
export const constant = (value: number) => [Op.I32Const, ...signed(value)];
export const call = (index: number) => [Op.Call, ...unsigned(index)];
export const load = (address: number) => [...constant(0), Op.I32Load, 2, ...unsigned(address)];
export const store = (address: number, value: readonly number[]) => [
  ...constant(0),
  ...value,
  Op.I32Store,
  2,
  ...unsigned(address),
];
/** To a static variable of the module: the linker left five bytes for its address. */
export const store8 = (address: number, value: readonly number[]) => [
  ...constant(0),
  ...value,
  Op.I32Store8,
  0,
  ...padded(address),
];

import { describe, expect, it } from 'vitest';
import { Registers, Segment, SpecialRegisters } from '../../sdk/accelerator/kvm/abi.ts';
import {
  LongModeTableSize,
  registersAt,
  setMode,
  writeLongModeTables,
} from '../../sdk/accelerator/kvm/processor-modes.ts';
import { specialRegistersAfterReset } from '../../sdk/accelerator/kvm/reset-values.ts';

const segment = (special: DataView, at: number) => ({
  base: special.getBigUint64(at + Segment.base, true),
  limit: special.getUint32(at + Segment.limit, true),
  selector: special.getUint16(at + Segment.selector, true),
  db: special.getUint8(at + 17),
  l: special.getUint8(at + 19),
  g: special.getUint8(at + 20),
});

/** Follows the tables as a processor does; undefined where nothing is mapped. */
function translate(view: DataView, tables: number, address: number): number | undefined {
  const at = (table: number, index: number) => Number(view.getBigUint64(table - tables + 8 * index, true));
  const top = at(tables, Math.floor(address / 2 ** 39));
  if ((top & 1) === 0) return undefined;
  const second = at(top - (top % 4096), Math.floor(address / 2 ** 30) % 512);
  if ((second & 1) === 0) return undefined;
  const entry = at(second - (second % 4096), Math.floor(address / 2 ** 21) % 512);
  return (entry & 0x81) === 0x81 ? entry - (entry % 2 ** 21) + (address % 2 ** 21) : undefined;
}

describe('modes of a vCPU', () => {
  it.each([
    [0x1000, 0, 0x1000],
    [0x2_3456, 0x2_0000, 0x3456],
  ])('real: code at %i begins in a segment of 64 KiB that reaches it', (entry, base, offset) => {
    const special = specialRegistersAfterReset(0);
    setMode(special, 'real', entry);
    const { cs, cr0 } = SpecialRegisters;
    expect(segment(special, cs)).toMatchObject({ base: BigInt(base), selector: base / 16, limit: 0xffff });
    expect(special.getBigUint64(cr0, true) & 1n).toBe(0n);
    expect(registersAt(entry, 'real').getBigUint64(Registers.rip, true)).toBe(BigInt(offset));
  });

  it('protected: flat segments of 32 bits over the first 4 GiB, no paging', () => {
    const special = specialRegistersAfterReset(0);
    setMode(special, 'protected', 0x2_3456);
    const { cs, ds, es, ss, cr0, efer } = SpecialRegisters;
    for (const at of [cs, ds, es, ss]) {
      expect(segment(special, at)).toMatchObject({ base: 0n, limit: 0xffff_ffff, db: 1, l: 0, g: 1 });
    }
    expect(special.getBigUint64(cr0, true) & 0x8000_0001n).toBe(1n);
    expect(special.getBigUint64(efer, true)).toBe(0n);
    expect(registersAt(0x2_3456, 'protected').getBigUint64(Registers.rip, true)).toBe(0x2_3456n);
  });

  it('long: 64-bit code, with paging on and its tables named', () => {
    const special = specialRegistersAfterReset(0);
    setMode(special, 'long', 0x1000, 0x100_0000);
    const { cs, ds, cr0, cr3, cr4, efer } = SpecialRegisters;
    expect(segment(special, cs)).toMatchObject({ base: 0n, db: 0, l: 1 });
    expect(segment(special, ds)).toMatchObject({ base: 0n, db: 1, l: 0 });
    expect(special.getBigUint64(cr0, true) & 0x8000_0001n).toBe(0x8000_0001n);
    expect(special.getBigUint64(cr3, true)).toBe(0x100_0000n);
    expect(special.getBigUint64(cr4, true) & 0x20n).toBe(0x20n);
    expect(special.getBigUint64(efer, true)).toBe(0x500n);
  });

  it('long: the first 4 GiB are mapped one to one, and nothing behind them', () => {
    const bytes = new Uint8Array(LongModeTableSize);
    const view = new DataView(bytes.buffer);
    const tables = 0x100_0000;
    writeLongModeTables({ bytes, view, hostAddress: 0 }, tables);
    for (const address of [0, 0x1000, 0x1f_ffff, 0x20_0000, 0x3fff_ffff, 0x4000_0000, 0xfee0_0020, 0xffff_ffff]) {
      expect(translate(view, tables, address)).toBe(address);
    }
    expect(translate(view, tables, 0x1_0000_0000)).toBeUndefined();
  });
});

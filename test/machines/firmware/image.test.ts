import { describe, expect, it } from 'vitest';
import { pcFirmware } from '../../../machines/index.ts';
import { disassemble, whyNoGas } from '../../assembler/gas.ts';
import { needs } from '../../needs.ts';

const image = pcFirmware();
const start = 0xf_0000;

describe('the image of the firmware', () => {
  it('has 64 KiB, and the same bytes each time', () => {
    expect(image.length).toBe(0x1_0000);
    expect(Buffer.from(pcFirmware()).equals(image)).toBe(true);
  });

  it('begins with a far jump at its last 16 bytes, into its copy below 1 MiB', () => {
    const [opcode, , , ...segment] = image.subarray(-16);
    expect(opcode).toBe(0xea);
    expect(segment.slice(0, 2)).toEqual([0x00, 0xf0]);
    expect([...image.subarray(-11)].every((byte) => byte === 0xff)).toBe(true);
  });

  it(
    'is read by objdump as it was written: real mode, protected mode, flat segments',
    needs('host', whyNoGas()),
    () => {
      const entry = new DataView(image.buffer).getUint16(image.length - 15, true);
      const real = disassemble(image.subarray(entry, entry + 64), 16).map(({ text }) => text.replace(/ +/g, ' '));
      expect(real.slice(0, 4)).toEqual(['cli', 'cld', 'mov al,0x8f', 'out 0x70,al']);
      const far = real.findIndex((text) => text.startsWith('jmp 0x8:'));
      expect(real.slice(far - 3, far)).toEqual(['mov eax,cr0', 'or eax,0x1', 'mov cr0,eax']);
      const flat = Number.parseInt(real[far]?.slice('jmp 0x8:'.length) ?? '', 16) - start;
      const code = disassemble(image.subarray(flat, flat + 64), 32).map(({ text }) => text.replace(/ +/g, ' '));
      expect(code.slice(0, 7)).toEqual([
        'mov eax,0x10',
        ...['ds', 'es', 'ss', 'fs', 'gs'].map((name) => `mov ${name},eax`),
        'mov esp,0x70000',
      ]);
      expect([...real.slice(0, far), ...code].filter((text) => text.includes('(bad)'))).toEqual([]);
    },
  );

  it('has a table of interrupt routing whose bytes add up to zero, with the links of each slot as the board wires them', () => {
    const at = Array.from({ length: image.length / 16 }, (_, index) => 16 * index).find(
      (address) => Buffer.from(image.subarray(address, address + 4)).toString('latin1') === '$PIR',
    );
    const table = image.subarray(at, at! + new DataView(image.buffer).getUint16(at! + 6, true));
    expect(table.length).toBe(32 + 31 * 16);
    expect(table.reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(0);
    // The PIIX3: 8086:7000, function 0 of device 1.
    expect([...table.subarray(8, 16)]).toEqual([0, 0x08, 0x00, 0x0c, 0x86, 0x80, 0x00, 0x70]);
    const linksOf = (slot: number) => [0, 1, 2, 3].map((pin) => table[32 + 16 * (slot - 1) + 2 + 3 * pin]);
    expect([linksOf(1), linksOf(4), linksOf(5)]).toEqual([
      [0x60, 0x61, 0x62, 0x63],
      [0x63, 0x60, 0x61, 0x62],
      [0x60, 0x61, 0x62, 0x63],
    ]);
  });
});

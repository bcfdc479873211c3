import { type Chunk, type GuestStep, Layout } from './script.ts';

/** The chunks of a script as 32-bit code for flat segments, each ended by HLT, and the bytes that it reads from RAM. */
export interface MachineCode {
  readonly code: Uint8Array;
  readonly data: Uint8Array;
}

const Log = 8;

/** Undefined if the script is longer than the room for its code, data or log. */
export function compile(chunks: readonly Chunk[]): MachineCode | undefined {
  const assembler = new Assembler();
  for (const { guest } of chunks) {
    for (const step of guest) assembler.add(step);
    assembler.halt();
  }
  return assembler.finish();
}

class Assembler {
  readonly #code: number[] = [];
  readonly #data: number[] = [];
  #reads = 0;

  add(step: GuestStep): void {
    switch (step.op) {
      case 'out':
        this.#emit(0xba, ...dword(step.port));
        for (let time = 0; time < step.times; time++) {
          this.#emit(0xb8, ...dword(step.value + time));
          this.#sized(step.size, [0xee], [0xef]);
        }
        return;
      case 'in':
        this.#emit(0xba, ...dword(step.port));
        this.#sized(step.size, [0xec], [0xed]);
        this.#keepEax();
        return;
      case 'store':
        if (step.size === 8) {
          this.#moveMm0(0x6f, this.#put([...dword(step.value), ...dword(step.valueHigh)]));
          this.#moveMm0(0x7f, step.address);
          return;
        }
        this.#emit(0xb8, ...dword(step.value));
        this.#sized(step.size, [0xa2, ...dword(step.address)], [0xa3, ...dword(step.address)]);
        return;
      case 'load':
        if (step.size === 8) {
          this.#moveMm0(0x6f, step.address);
          this.#moveMm0(0x7f, this.#logSlot());
          return;
        }
        this.#sized(step.size, [0xa0, ...dword(step.address)], [0xa1, ...dword(step.address)]);
        this.#keepEax();
        return;
      case 'rep-outs': {
        const bytes = stringBytes(step.first, step.count * step.size);
        this.#emit(0xbe, ...dword(this.#put(bytes)));
        this.#repeat(step.count, step.port, false);
        this.#sized(step.size, [0xf3, 0x6e], [0xf3, 0x6f]);
        return;
      }
      case 'rep-ins':
        this.#emit(0xbf, ...dword(step.destination));
        this.#repeat(step.count, step.port, step.descending);
        this.#sized(step.size, [0xf3, 0x6c], [0xf3, 0x6d]);
    }
  }

  halt(): void {
    this.#emit(0xf4);
  }

  finish(): MachineCode | undefined {
    const fits =
      this.#code.length <= Layout.codeEnd - Layout.code &&
      this.#data.length <= Layout.dataEnd - Layout.data &&
      this.#reads * Log <= Layout.logEnd - Layout.log;
    return fits ? { code: Uint8Array.from(this.#code), data: Uint8Array.from(this.#data) } : undefined;
  }

  #emit(...bytes: readonly number[]): void {
    for (const byte of bytes) this.#code.push(byte);
  }

  /** A prefix makes an instruction on 4 bytes one on 2. */
  #sized(size: number, ofByte: readonly number[], ofDword: readonly number[]): void {
    if (size === 2) this.#emit(0x66);
    this.#emit(...(size === 1 ? ofByte : ofDword));
  }

  #keepEax(): void {
    this.#emit(0xa3, ...dword(this.#logSlot()));
  }

  #moveMm0(opcode: number, address: number): void {
    this.#emit(0x0f, opcode, 0x05, ...dword(address));
  }

  #repeat(count: number, port: number, descending: boolean): void {
    this.#emit(0xb9, ...dword(count), 0xba, ...dword(port), descending ? 0xfd : 0xfc);
  }

  #logSlot(): number {
    return Layout.log + Log * this.#reads++;
  }

  #put(bytes: readonly number[]): number {
    const address = Layout.data + this.#data.length;
    for (const byte of bytes) this.#data.push(byte);
    return address;
  }
}

/** The bytes of a string that is written. */
export const stringBytes = (first: number, length: number): number[] =>
  Array.from({ length }, (_, index) => (first + index) & 0xff);

/** How many bytes of each read count, in order: the rest of its slot in the log is what was in the register before. */
export const readSizes = (steps: readonly GuestStep[]): number[] =>
  steps.flatMap((step) => (step.op === 'in' || step.op === 'load' ? [step.size] : []));

const dword = (value: number): number[] => [
  value & 0xff,
  (value >>> 8) & 0xff,
  (value >>> 16) & 0xff,
  (value >>> 24) & 0xff,
];

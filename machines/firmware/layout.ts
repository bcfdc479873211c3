import { type Assembler, al, dx, esi } from '../../sdk/assembler.ts';

/** Where the image is below 1 MiB, and its size. Its last bytes are the reset vector, below 4 GiB too. */
export const Image = { start: 0xf_0000, size: 0x1_0000, resetVector: 0xf_fff0 } as const;

/** Selectors of the descriptor table: flat segments of 4 GiB. */
export const Selector = { code: 0x08, data: 0x10 } as const;

/** RAM below 640 KiB that the firmware uses, by linear address. */
export const Ram = {
  variables: 0x600,
  variablesEnd: 0x800,
  interruptTable: 0x1000,
  multibootInfo: 0x2000,
  memoryMap: 0x2100,
  commandLine: 0x2200,
  fwCfgBuffer: 0x4000,
  screenCopy: 0x7000,
  stackTop: 0x7_0000,
} as const;

/** Offsets of the variables: double words, and bytes as double words. */
export const Variable = {
  /** The cell of the text screen that is written next. */
  cursor: Ram.variables,
  /** Attribute of the next characters. */
  attribute: Ram.variables + 0x04,
  /** 1 if the machine has it. */
  hasSerial: Ram.variables + 0x08,
  hasConsoleE9: Ram.variables + 0x0c,
  hasConsole402: Ram.variables + 0x10,
  /** Size of the UART's FIFO, and how much of it is known to be free. */
  fifoSize: Ram.variables + 0x14,
  fifoFree: Ram.variables + 0x18,
  /** KiB below 1 MiB, KiB from 1 MiB to 4 GiB, and 64 KiB above 4 GiB. */
  lowMemory: Ram.variables + 0x1c,
  highMemory: Ram.variables + 0x20,
  memoryAbove4GiB: Ram.variables + 0x24,
  /** Set by interrupts: a second has passed, a key was pressed. */
  ticked: Ram.variables + 0x28,
  keyPressed: Ram.variables + 0x2c,
  /** The next free address for BARs, and the end of their window; the same of ports. */
  memoryWindow: Ram.variables + 0x30,
  portWindow: Ram.variables + 0x38,
  /** A reading of the clock, seconds first; the reading before it; and its text. */
  clock: Ram.variables + 0x40,
  clockBefore: Ram.variables + 0x48,
  clockText: Ram.variables + 0x100,
  /** What a BAR read after ones were written. */
  barMask: Ram.variables + 0x50,
  /** Features of fw_cfg, a DMA command for it, and the file that was found. */
  fwCfgFeatures: Ram.variables + 0x60,
  fwCfgCommand: Ram.variables + 0x70,
  fileKey: Ram.variables + 0x80,
  fileSize: Ram.variables + 0x84,
  /** Of the kernel: where its header is in the file, and its entry. */
  kernelHeader: Ram.variables + 0x88,
  kernelEntry: Ram.variables + 0x8c,
} as const;

/** What the parts of the firmware write to: instructions, and the texts that they print. */
export interface Source {
  readonly a: Assembler;
  /** Writes a byte to a port. Changes AL, and DX for ports above 0xff. */
  out(port: number, value: number): void;
  /** Prints a text. Changes ESI alone. */
  say(text: string): void;
  /** The label of a text that ends with a zero byte. */
  text(text: string): string;
}

/** Collects texts, which come behind the code. */
export function sourceOf(a: Assembler): Source & { putTexts(): void } {
  const texts = new Map<string, string>();
  const label = (text: string): string => {
    const known = texts.get(text) ?? `text.${texts.size}`;
    texts.set(text, known);
    return known;
  };
  return {
    a,
    text: label,
    out(port, value) {
      if (port > 0xff) a.mov(dx, port);
      a.mov(al, value);
      a.out(port > 0xff ? dx : port, al);
    },
    say(text) {
      a.mov(esi, label(text));
      a.call('print');
    },
    putTexts() {
      for (const [text, name] of texts) {
        a.label(name);
        a.asciz(text);
      }
    },
  };
}

/** Width of an operand in bits. */
export type Width = 8 | 16 | 32;

/** A general register: `ax` is `GeneralRegister<16, 'ax'>`. */
export interface GeneralRegister<W extends Width = Width, Name extends string = string> {
  readonly kind: 'general';
  readonly width: W;
  /** The number in ModRM and in opcodes, 0 to 7. */
  readonly number: number;
  readonly name: Name;
}

/** A segment register. `cs` is read, pushed, and named in an address only. */
export interface SegmentRegister<Name extends string = string> {
  readonly kind: 'segment';
  readonly number: number;
  readonly name: Name;
}

/** CR0, CR2, CR3 or CR4. */
export interface ControlRegister {
  readonly kind: 'control';
  readonly number: number;
  readonly name: string;
}

const general = <W extends Width, Name extends string>(
  width: W,
  number: number,
  name: Name,
): GeneralRegister<W, Name> => ({ kind: 'general', width, number, name });

const segment = <Name extends string>(number: number, name: Name): SegmentRegister<Name> => ({
  kind: 'segment',
  number,
  name,
});

const control = (number: number): ControlRegister => ({ kind: 'control', number, name: `cr${number}` });

export const al = general(8, 0, 'al');
export const cl = general(8, 1, 'cl');
export const dl = general(8, 2, 'dl');
export const bl = general(8, 3, 'bl');
export const ah = general(8, 4, 'ah');
export const ch = general(8, 5, 'ch');
export const dh = general(8, 6, 'dh');
export const bh = general(8, 7, 'bh');

export const ax = general(16, 0, 'ax');
export const cx = general(16, 1, 'cx');
export const dx = general(16, 2, 'dx');
export const bx = general(16, 3, 'bx');
export const sp = general(16, 4, 'sp');
export const bp = general(16, 5, 'bp');
export const si = general(16, 6, 'si');
export const di = general(16, 7, 'di');

export const eax = general(32, 0, 'eax');
export const ecx = general(32, 1, 'ecx');
export const edx = general(32, 2, 'edx');
export const ebx = general(32, 3, 'ebx');
export const esp = general(32, 4, 'esp');
export const ebp = general(32, 5, 'ebp');
export const esi = general(32, 6, 'esi');
export const edi = general(32, 7, 'edi');

export const es = segment(0, 'es');
export const cs = segment(1, 'cs');
export const ss = segment(2, 'ss');
export const ds = segment(3, 'ds');
export const fs = segment(4, 'fs');
export const gs = segment(5, 'gs');

export const cr0 = control(0);
export const cr2 = control(2);
export const cr3 = control(3);
export const cr4 = control(4);

/** AL, AX or EAX. */
export type Accumulator = typeof al | typeof ax | typeof eax;

/** One thing done to a machine from outside, and what it answers. */
export type Operation =
  | { readonly kind: 'out'; readonly port: number; readonly size: Width; readonly value: number }
  | { readonly kind: 'in'; readonly port: number; readonly size: Width }
  | { readonly kind: 'store'; readonly address: number; readonly size: Width; readonly value: number }
  | { readonly kind: 'load'; readonly address: number; readonly size: Width }
  /** Time goes on until these bits of four bytes of memory are all clear, or all set. */
  | { readonly kind: 'await'; readonly address: number; readonly bits: number; readonly until: 'clear' | 'set' }
  /** An `out` that a card may answer in its own time: it goes on until neither side has anything left to do. */
  | { readonly kind: 'start'; readonly port: number; readonly size: Width; readonly value: number }
  /** Guest time goes on by so much. It answers how often the watched lines have risen meanwhile. */
  | { readonly kind: 'step'; readonly nanoseconds: number }
  /** Nothing happens. */
  | { readonly kind: 'nothing' }
  /** Which ISA interrupt lines are high, a bit for each. */
  | { readonly kind: 'lines' }
  | { readonly kind: 'input'; readonly chip: string; readonly line: number; readonly level: boolean }
  /** Bytes come in at the chip's character back end. The chip must have room for them. */
  | { readonly kind: 'send'; readonly bytes: readonly number[] }
  /** By the button, or by what the guest writes to the reset register, or to another port that resets. */
  | { readonly kind: 'reset'; readonly written?: number; readonly at?: number };

export type Width = 1 | 2 | 4;

export const ResetRegister = 0xcf9;

/** Of both machines. Few, since a run makes hundreds of machines. */
export const RamMebibytes = 16;

export interface Script {
  /** The RTC's time when the machine is made. */
  readonly date: string;
  readonly operations: readonly Operation[];
}

export interface Answer {
  /** What a read returned. */
  readonly value: number | undefined;
  /** The levels of the watched outputs once the operation is done, a bit for each. Undefined where none is watched. */
  readonly output: number | undefined;
}

/** A machine to compare. Each run begins with a new machine, so that no state is left from another script. */
export interface Subject {
  readonly name: string;
  run(script: Script): Promise<readonly Answer[]>;
  /** The same with our own behaviour in one point where it has QEMU's, if it knows how. */
  without?(difference: object): Subject;
}

export const out = (port: number, size: Width, value: number): Operation => ({
  kind: 'out',
  port,
  size,
  value: size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1),
});

export const read = (port: number, size: Width): Operation => ({ kind: 'in', port, size });

export const store = (address: number, size: Width, value: number): Operation => ({
  kind: 'store',
  address,
  size,
  value: size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1),
});

export const start = (port: number, size: Width, value: number): Operation => ({ kind: 'start', port, size, value });

/** Leaves out inputs that are driven to the level which they have: a pin sees no edge then, and QEMU would tell its device. */
export function withoutRepeatedLevels(operations: readonly Operation[]): readonly Operation[] {
  const levels = new Map<string, boolean>();
  return operations.map((operation) => {
    if (operation.kind !== 'input') return operation;
    const pin = placeOf(operation);
    const isRepeated = (levels.get(pin) ?? false) === operation.level;
    levels.set(pin, operation.level);
    return isRepeated ? { kind: 'nothing' } : operation;
  });
}

export const step = (nanoseconds: number): Operation => ({ kind: 'step', nanoseconds });

export const isaLines: Operation = { kind: 'lines' };
/** Line 0 belongs to a timer that ours does not have. */
export const ComparedLines = 0xfffe;

export const load = (address: number, size: Width): Operation => ({ kind: 'load', address, size });

/** Whether the wait is over. */
export const hasCome = (value: number, { bits, until }: Extract<Operation, { readonly kind: 'await' }>): boolean =>
  (value & bits) === (until === 'set' ? bits | 0 : 0);

/** How many bytes a reply has; 0 for what answers nothing. */
export function widthOfReply(operation: Operation): number {
  if (operation.kind === 'await' || operation.kind === 'step') return 4;
  if (operation.kind === 'lines') return 2;
  return operation.kind === 'in' || operation.kind === 'load' ? operation.size : 0;
}

export const out8 = (port: number, value: number): Operation => out(port, 1, value);

export const read8 = (port: number): Operation => read(port, 1);

export const hex = (value: number, digits = 2): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** The port of an access, by its first address, or what else an operation touches. */
export const portOrPlace = (operation: Operation): string =>
  'port' in operation ? `port ${hex(operation.port)}` : placeOf(operation);

/** What an operation touches that is no access to a port. */
export function placeOf(operation: Exclude<Operation, { readonly port: number }>): string {
  if (operation.kind === 'reset') return 'reset';
  if (operation.kind === 'lines') return 'ISA lines';
  if (operation.kind === 'nothing') return 'nothing';
  if (operation.kind === 'step') return 'rises of lines';
  if (operation.kind === 'send') return 'serial line';
  return operation.kind === 'input' ? `${operation.chip} input ${operation.line}` : `address ${hex(operation.address)}`;
}

export function formatOperation(operation: Operation): string {
  switch (operation.kind) {
    case 'out':
      return `out${8 * operation.size} ${hex(operation.port)}, ${hex(operation.value, 2 * operation.size)}`;
    case 'start':
      return `${formatOperation({ ...operation, kind: 'out' })}, and wait until nothing happens any more`;
    case 'in':
      return `in${8 * operation.size} ${hex(operation.port)}`;
    case 'store':
      return `store${8 * operation.size} ${hex(operation.address)}, ${hex(operation.value, 2 * operation.size)}`;
    case 'load':
      return `load${8 * operation.size} ${hex(operation.address)}`;
    case 'await':
      return `wait until bits ${hex(operation.bits)} at ${hex(operation.address)} are ${operation.until}`;
    case 'input':
      return `${operation.chip} input ${operation.line} ${operation.level ? 'high' : 'low'}`;
    case 'lines':
      return 'ISA lines';
    case 'send':
      return `bytes ${operation.bytes.map((byte) => hex(byte)).join(' ')} come in`;
    case 'step':
      return `step ${operation.nanoseconds} ns`;
    case 'nothing':
      return 'nothing';
    case 'reset':
      return operation.written === undefined
        ? 'reset'
        : `out8 ${hex(operation.at ?? ResetRegister)}, ${hex(operation.written)}`;
  }
}

export function formatAnswer(operation: Operation, { value, output }: Answer): string {
  const width = widthOfReply(operation);
  const read = value !== undefined && width > 0 ? hex(value, 2 * width) : '';
  const line = output === undefined ? '' : `outputs ${output.toString(2)}`;
  return [read, line].filter((part) => part !== '').join(', ');
}

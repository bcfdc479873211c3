import { hex } from '../../base/text.ts';
import type { BusRegisters } from '../../bus/bus.ts';
import type { Device } from '../../device/index.ts';
import type { TestBench } from '../bench/test-bench.ts';
import type { Random } from '../random.ts';

/** What a guest does to a device by its bus, and not by its regions. */
export type BusStep =
  /** One transfer, as a controller makes it: bytes written, then `count` bytes read. An open one does not end. */
  | {
      readonly kind: 'transfer';
      readonly bytes: readonly number[];
      readonly count: number;
      readonly isOpen?: boolean;
    }
  /** The guest reads or writes registers that the bus holds for the device: its own configuration space. */
  | { readonly kind: 'config-read'; readonly offset: number; readonly size: 1 | 2 | 4 }
  | { readonly kind: 'config-write'; readonly offset: number; readonly size: 1 | 2 | 4; readonly value: number };

/** What the device answers, as comparable text; undefined for a write. */
export function performOnBus(bench: TestBench<Device>, step: BusStep): string | undefined {
  if (step.kind === 'transfer') return `[${bytesText(bench.transfer(step.bytes, step.count, step.isOpen))}]`;
  const registers = bench.bus.registersOf(bench.device);
  if (step.kind === 'config-write') return void registers?.write(step.offset, step.value, step.size);
  return hex(registers?.read(step.offset, step.size) ?? 0, 2 * step.size);
}

const bytesText = (bytes: readonly number[]): string =>
  bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

/** A script says what a transfer is to a person; the registers of the controller are those of another device. */
export function transferText({
  bytes,
  count,
  isOpen,
}: BusStep & { kind: 'transfer' }): readonly [guest: string, qtest: string] {
  const written = bytes.map((byte) => hex(byte, 2)).join(', ');
  const words = [bytes.length > 0 ? `write ${bytesText(bytes)}` : '', count > 0 ? `read ${count}` : ''].filter(Boolean);
  return [
    `// by the controller of its bus: bench.transfer([${written}], ${count}${isOpen ? ', true' : ''})`,
    `# a transfer on its bus: ${words.join(', ') || 'only its address'}${isOpen ? ', and no end' : ''}`,
  ];
}

/** What the steps of a device on a bus depend on. */
export interface BusLayout {
  readonly hasTransfers: boolean;
  /** First bytes that mean something to the device: the offsets of registers behind a pointer. */
  readonly firstBytes: readonly number[];
  readonly busRegisters: BusRegisters | undefined;
}

const MostBytes = 6;
/** What a guest sends that floods a bus. */
const FloodBytes = 600;

/** A transfer: mostly a few bytes, of which the first selects what the others mean. */
export function randomTransfer(
  { firstBytes }: BusLayout,
  random: Random,
  values: readonly (number | bigint)[],
  hostile: boolean,
): BusStep {
  const isFlood = hostile && random.oneIn(12);
  const most = isFlood ? FloodBytes : MostBytes;
  const length = random.oneIn(6) ? 0 : 1 + random.below(random.oneIn(2) ? 2 : most);
  const first = firstBytes.length > 0 && !random.oneIn(4) ? random.pick(firstBytes) : random.below(256);
  const rest = Array.from({ length: Math.max(length - 1, 0) }, () => byteOf(random, values));
  const count = random.oneIn(3) ? 0 : random.below(most + 1);
  return { kind: 'transfer', bytes: length === 0 ? [] : [first, ...rest], count };
}

function byteOf(random: Random, values: readonly (number | bigint)[]): number {
  if (values.length > 0 && random.oneIn(3)) return Number(BigInt(random.pick(values)) & 0xffn);
  return random.pick([0, 0xff, 1 << random.below(8), random.below(256), random.below(256)]);
}

/** Shorter transfers in place of one, to be tried when a script is shortened. */
export function shorterTransfers({ bytes, count, isOpen }: BusStep & { kind: 'transfer' }): BusStep[] {
  const half = bytes.slice(0, Math.ceil(bytes.length / 2));
  const tries = [
    { bytes: half, count },
    { bytes: bytes.slice(0, -1), count },
    { bytes, count: count >> 1 },
    { bytes, count: Math.max(count - 1, 0) },
    { bytes: bytes.map((byte, index) => (index === 0 ? byte : 0)), count },
  ];
  const isShorter = (one: (typeof tries)[number]) =>
    one.bytes.length < bytes.length || one.count < count || one.bytes.some((byte, index) => byte < (bytes[index] ?? 0));
  return tries.filter(isShorter).map((one) => ({ kind: 'transfer', ...one, ...(isOpen ? { isOpen } : {}) }));
}

/** An access of the registers that the bus holds. A hostile guest also moves the device, until the next reset. */
export function registerAccess(
  registers: BusRegisters,
  random: Random,
  draw: (size: 1 | 2 | 4) => number,
  hostile: boolean,
): BusStep {
  const size = random.pick([1, 2, 4] as const);
  const anywhere = random.below(registers.size);
  const offset = hostile ? anywhere : random.pick([...registers.usual, anywhere]);
  const aligned = offset - (offset % size);
  if (random.oneIn(2)) return { kind: 'config-read', offset: aligned, size };
  const value = draw(size);
  const write = hostile ? { offset: aligned, value, size } : registers.tamed(aligned, value, size);
  return { kind: 'config-write', offset: write.offset, value: write.value, size: write.size as 1 | 2 | 4 };
}

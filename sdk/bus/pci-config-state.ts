import type { Json, JsonReader } from '../base/json-reader.ts';
import { hex } from '../base/text.ts';
import { type LoadPlan, readBytes, type Shape, type StatePlace, writeBytes } from '../device/index.ts';

const Size = 256;
const HeaderSize = 0x40;
const CapabilityPointer = 0x34;
/** The device's pin decides about one bit of the status. */
const Status = 0x06;
const InterruptShown = 0x08;
/** Bytes by which a function is known: vendor and device, class, header type, subsystem. They are no state. */
const identifying = [0x00, 0x01, 0x02, 0x03, 0x09, 0x0a, 0x0b, 0x0e, 0x2c, 0x2d, 0x2e, 0x2f] as const;

/** Which bits of a byte of a function's configuration can change, by its bytes. */
const changeable = new WeakMap<Uint8Array, (offset: number) => number>();

/** The function's bytes, and which bits of each the guest can change: in a snapshot the others must be as they are. */
export function guardConfiguration(bytes: Uint8Array, changeableAt: (offset: number) => number): void {
  changeable.set(bytes, changeableAt);
}

/** What else must hold for bytes of a function's configuration, by its bytes. */
const checks = new WeakMap<Uint8Array, (saved: Uint8Array) => string | undefined>();

/** One more thing that a snapshot of these bytes must be; what is wrong with it, as the end of a sentence. */
export function checkConfiguration(bytes: Uint8Array, problemOf: (saved: Uint8Array) => string | undefined): void {
  const earlier = checks.get(bytes);
  checks.set(bytes, (saved) => earlier?.(saved) ?? problemOf(saved));
}

/** Configuration space in a snapshot: 256 bytes, of the same function. */
export const configurationShape: Shape = Object.freeze({
  expected: '256 bytes of PCI configuration',
  write: (value: unknown) => writeBytes(value as Uint8Array),
  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
    const data = saved.data as Json;
    const present = place.get() as Uint8Array;
    const bytes = readBytes(data, Size);
    if (bytes?.length !== Size) {
      saved.refuse(`expected ${Size} bytes of PCI configuration in hexadecimal digits`);
      return;
    }
    const other = identifying.find((offset) => bytes[offset] !== present[offset]);
    const fixed = other === undefined ? (changedForGood(bytes, present) ?? checks.get(present)?.(bytes)) : undefined;
    if (other !== undefined)
      saved.refuse(
        `is the configuration of another PCI function: ${identityOf(bytes)} instead of ${identityOf(present)}`,
      );
    else if (fixed !== undefined) saved.refuse(fixed);
    else plan.whenSound(() => present.set(bytes));
  },
});

/**
 * The first byte in which something differs that never changes. Above the header a device may change what the guest cannot; only
 * the list of capabilities is as it is.
 */
function changedForGood(bytes: Uint8Array, present: Uint8Array): string | undefined {
  const offsets = [...Array(HeaderSize).keys(), ...linksIn(present)];
  for (const at of offsets) {
    const mask = (changeable.get(present)?.(at) ?? 0xff) | (at === Status ? InterruptShown : 0);
    const differing = ((bytes[at] as number) ^ (present[at] as number)) & ~mask;
    if (differing === 0) continue;
    const show = (value: number) => hex(value, 2);
    return (
      `found ${show(bytes[at] as number)} at ${show(at)}, and there the bits ${show(differing)} never change: ` +
      `expected ${show(present[at] as number)}`
    );
  }
  return undefined;
}

/** Where the capabilities have their numbers and their links. */
function linksIn(bytes: Uint8Array): number[] {
  const offsets: number[] = [];
  for (
    let at = bytes[CapabilityPointer] as number;
    at >= HeaderSize && !offsets.includes(at);
    at = bytes[at + 1] as number
  )
    offsets.push(at, at + 1);
  return offsets;
}

/** `8086:7000 class 0601`. */
function identityOf(bytes: Uint8Array): string {
  const word = (offset: number) =>
    ((bytes[offset + 1] as number) * 256 + (bytes[offset] as number)).toString(16).padStart(4, '0');
  return `${word(0x00)}:${word(0x02)} class ${word(0x0a)} subsystem ${word(0x2c)}:${word(0x2e)}`;
}

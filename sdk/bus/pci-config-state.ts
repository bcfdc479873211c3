import { type Json, type LoadPlan, readBytes, type Shape, type StatePlace, writeBytes } from '../device/index.ts';

const Size = 256;
/** Bytes by which a function is known: vendor and device, class, header type, subsystem. They are no state. */
const identifying = [0x00, 0x01, 0x02, 0x03, 0x09, 0x0a, 0x0b, 0x0e, 0x2c, 0x2d, 0x2e, 0x2f] as const;

/** Configuration space in a snapshot: 256 bytes, of the same function. */
export const configurationShape: Shape = Object.freeze({
  expected: '256 bytes of PCI configuration',
  write: (value: unknown) => writeBytes(value as Uint8Array),
  read(data: Json, place: StatePlace, plan: LoadPlan): void {
    const present = place.get() as Uint8Array;
    const bytes = readBytes(data, Size);
    if (bytes?.length !== Size) {
      plan.refuse(`expected ${Size} bytes of PCI configuration in hexadecimal digits`);
      return;
    }
    const other = identifying.find((offset) => bytes[offset] !== present[offset]);
    if (other === undefined) plan.whenSound(() => present.set(bytes));
    else
      plan.refuse(
        `is the configuration of another PCI function: ${identityOf(bytes)} instead of ${identityOf(present)}`,
      );
  },
});

/** `8086:7000 class 0601`. */
function identityOf(bytes: Uint8Array): string {
  const word = (offset: number) =>
    ((bytes[offset + 1] as number) * 256 + (bytes[offset] as number)).toString(16).padStart(4, '0');
  return `${word(0x00)}:${word(0x02)} class ${word(0x0a)} subsystem ${word(0x2c)}:${word(0x2e)}`;
}

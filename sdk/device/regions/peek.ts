import { checkBrackets, checkMember } from '../../base/decorated-member.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance, RegionMetadata } from '../class-metadata.ts';
import { joined, type PeekedBytes, peekRegister } from '../registers/peek.ts';
import type { IoRegionTemplate } from './region.ts';

/** `(offset, size)`: what a read of so many bytes would answer. It changes nothing. Undefined: that is not known. */
export type PeekHandler = (offset: number, size: number) => number | bigint | undefined;

/** One `@ports.peek(...)`. */
interface PeekDeclaration {
  readonly region: IoRegionTemplate;
  readonly method: string;
  readonly offset: number;
  readonly end: number;
}

// biome-ignore lint/complexity/noBannedTypes: a decorator's target is typed as a constructor function
const declarations = new WeakMap<Function, PeekDeclaration[]>();

/** What `@region.peek()` says. Without an offset the handler answers for what no other peek handler and no register answers. */
export function peekHandler(region: IoRegionTemplate | undefined, offset: number | undefined, length = 4) {
  checkBrackets(offset, undefined, `.peek() of ${region === undefined ? 'its region' : `region '${region.name}'`}`);
  return (target: object, method: string): void => {
    const { name, size } = region as IoRegionTemplate;
    const where = `a peek handler in region '${name}'`;
    checkMember(target, method, where);
    const known = declarations.get(target.constructor) ?? [];
    const first = offset ?? 0;
    if (!Number.isInteger(first) || first < 0 || first >= size || !(length > 0)) {
      throw new BackplaneError(
        'range-outside-region',
        `Class ${target.constructor.name}: '${method}' is ${where} at offset ${hex(first)}, which has ${hex(size)} bytes. ` +
          'Give it an offset in the region.',
      );
    }
    const end = offset === undefined ? Number.POSITIVE_INFINITY : first + length;
    known.push({ region: region as IoRegionTemplate, method, offset: first, end });
    declarations.set(target.constructor, known);
  };
}

/** The peek handlers of a class and its bases, those of the class first. */
// biome-ignore lint/complexity/noBannedTypes: any class
function declaredBy(deviceClass: Function): readonly PeekDeclaration[] {
  const base: unknown = Object.getPrototypeOf(deviceClass);
  const own = declarations.get(deviceClass) ?? [];
  return typeof base === 'function' ? [...own, ...declaredBy(base)] : own;
}

/** Whether the author of a class has written a peek handler. */
// biome-ignore lint/complexity/noBannedTypes: any class
export const hasPeekHandler = (deviceClass: Function): boolean => declaredBy(deviceClass).length > 0;

/** How a region of a device answers peeks: peek handlers first, then registers, then the empty bytes. Read handlers are not called. */
export function peekOf(
  device: DeviceInstance,
  { template, handlers }: RegionMetadata,
): (offset: number, size: number) => bigint | undefined {
  const region = template as IoRegionTemplate;
  const peeks = declaredBy(device.constructor).filter((one) => one.region === region);
  const at = (offset: number, isAnywhere: boolean) =>
    peeks.find(({ offset: first, end }) => offset >= first && offset < end && (end === Infinity) === isAnywhere);
  const isRead = (offset: number) =>
    handlers.some(
      ({ isWrite, register, offset: first, length }) =>
        !isWrite && register === undefined && offset >= first && offset < first + length,
    );
  const part = (offset: number, most: number, isFirst: boolean): PeekedBytes => {
    const place = region.mirrored ? offset % region.size : offset;
    const handler = at(place, false);
    if (handler !== undefined) return called(device, handler, place, most);
    const register = peekRegister(device, region, place, most);
    if (register !== undefined) return register;
    const fallback = at(place, true);
    if (fallback !== undefined) return called(device, fallback, place, most);
    if (isRead(place)) return { bytes: 1, value: undefined };
    // An access that begins where nothing is gets nothing else.
    const bytes = isFirst ? most : 1;
    return { bytes, value: region.kind === 'ports' ? ones(bytes) : 0n };
  };
  return (offset, size) => joined(region, size, (done, most) => part(offset + done, most, done === 0));
}

const ones = (bytes: number): bigint => 2n ** BigInt(8 * bytes) - 1n;

function called(device: DeviceInstance, { method, end }: PeekDeclaration, offset: number, most: number): PeekedBytes {
  const left = Math.min(most, end - offset);
  const bytes = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
  const answer = (device as unknown as Readonly<Record<string, PeekHandler>>)[method]?.call(device, offset, bytes);
  const isNumber = typeof answer === 'bigint' || Number.isInteger(answer);
  return { bytes, value: isNumber ? BigInt(answer as number | bigint) : undefined };
}

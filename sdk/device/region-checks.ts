import { hex, unknownWord } from '../base/text.ts';
import { type AccessSizes, BackplaneError } from '../memory/index.ts';
import type { HandledRegionSpec, PlaceSpec } from './region-template.ts';

/** Access sizes with nothing left to default. */
export interface CheckedSizes {
  readonly min: number;
  readonly max: number;
  readonly unaligned: boolean;
}

const placeWords = ['name', 'size', 'base', 'priority'];
const accessWords = ['accessSizes', 'accepts', 'implements', 'endianness', 'missing', 'mirrored'];
const regionWords = [...placeWords, ...accessWords];
const PortSpace = 0x1_0000;
const isAccessSize = (size: number): boolean => size === 1 || size === 2 || size === 4 || size === 8;

/** Refuses a region that cannot be anywhere, while the device's file is being loaded. */
export function checkPlace(spec: PlaceSpec): void {
  const fail = (what: string): never => {
    throw new BackplaneError(`Region '${spec.name}': ${what}`);
  };
  const unknown = unknownWord(spec, regionWords);
  if (unknown !== undefined) throw new BackplaneError(`Region '${spec.name}' ${unknown}`);
  if (spec.name === '') throw new BackplaneError('A region needs a name: it is what info mtree and messages show.');
  if (!Number.isInteger(spec.size) || spec.size <= 0) {
    fail(`size ${spec.size} is not a number of bytes. Give it a whole number above 0.`);
  }
  if (spec.base !== undefined && (!Number.isSafeInteger(spec.base) || spec.base < 0)) {
    fail(`base ${spec.base} is not an address. Give it a whole number from 0, or leave it out.`);
  }
  if (spec.priority !== undefined && !Number.isInteger(spec.priority)) {
    fail(`priority ${spec.priority} is not a whole number.`);
  }
}

/** Works out the accepted and the implemented sizes, and refuses combinations that mean nothing. */
export function checkSizes(
  kind: 'ports' | 'memory',
  spec: HandledRegionSpec,
): { accepts: CheckedSizes; implements: CheckedSizes } {
  const where = `Region '${spec.name}'`;
  if (kind === 'ports' && spec.size > PortSpace) {
    throw new BackplaneError(
      `${where}: ${hex(spec.size)} ports do not fit into ${hex(PortSpace)}. Use mmioRegion for memory.`,
    );
  }
  if (kind === 'ports' && spec.base !== undefined && spec.base + spec.size > PortSpace) {
    throw new BackplaneError(
      `${where}: ports ${hex(spec.base)} to ${hex(spec.base + spec.size - 1)} pass the last port ${hex(PortSpace - 1)}. ` +
        'Lower its base or its size.',
    );
  }
  const widest = kind === 'ports' ? 4 : 8;
  if (spec.accessSizes === undefined) {
    return {
      accepts: checkRange(where, 'accepts', spec.accepts, widest),
      implements: checkRange(where, 'implements', spec.implements, widest),
    };
  }
  if (spec.accepts !== undefined || spec.implements !== undefined) {
    throw new BackplaneError(
      `${where}: accessSizes already says what it accepts and implements. Leave out accessSizes, or accepts and implements.`,
    );
  }
  const both = checkList(where, spec.accessSizes, widest);
  return { accepts: both, implements: both };
}

function checkList(where: string, sizes: readonly number[], widest: number): CheckedSizes {
  const sorted = [...sizes].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const gapless = sorted.every((size, index) => index === 0 || size === 2 * (sorted[index - 1] as number));
  if (min === undefined || max === undefined || !sorted.every(isAccessSize) || max > widest || !gapless) {
    throw new BackplaneError(
      `${where}: accessSizes [${sizes.join(', ')}] is not a run of access widths. ` +
        `Give each of 1, 2, 4${widest === 8 ? ', 8' : ''} from the narrowest to the widest it takes, once.`,
    );
  }
  return Object.freeze({ min, max, unaligned: false });
}

function checkRange(where: string, which: string, sizes: AccessSizes | undefined, widest: number): CheckedSizes {
  const min = sizes?.min ?? 1;
  const max = sizes?.max ?? Math.max(4, min);
  if (!isAccessSize(min) || !isAccessSize(max) || min > max || max > widest) {
    throw new BackplaneError(
      `${where}: ${which} ${min} to ${max} bytes is not a range of access widths. ` +
        `min and max are 1, 2, 4${widest === 8 ? ' or 8' : ''}, min not above max.`,
    );
  }
  return Object.freeze({ min, max, unaligned: sizes?.unaligned ?? false });
}

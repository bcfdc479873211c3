import { isPowerOfTwo } from '../../base/bits.ts';
import { BackplaneError, type Fail } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import {
  type AttributeDocument,
  baseMetadataOf,
  ClassAttribute,
  ClassAttributeList,
  type ClassMetadata,
  type ContainerRegion,
  formatSize,
  type HandledRegion,
  type RamRegion,
  type RegionTemplate,
  type RomSpec,
  recorderOf,
} from '../../device/index.ts';
import { GiB, KiB, MiB } from '../../memory/index.ts';
import { PciRegister } from './header.ts';
import { type PciClass, registerName } from './identity.ts';

/** What kind of address a base address register takes. */
export interface BarSpec {
  /** The guest may put it above 4 GiB; it takes the next register too. Memory only. */
  readonly is64Bit?: boolean;
  /** Reads have no side effects, so that bridges may read ahead. Memory only. */
  readonly prefetchable?: boolean;
  /** What a container holds. Default: memory. Other regions say it themselves. */
  readonly kind?: 'ports' | 'memory';
}

/** What `@bar` declared. */
export interface BarDeclaration extends Required<BarSpec> {
  readonly index: number;
  readonly region: RegionTemplate;
}

/** Every `@bar` of a class: `metadataOf(Class).attribute(pciBars)`. */
export const pciBars = new ClassAttributeList<BarDeclaration>('bar', documentBars);

/** Base address registers of a function, without the one of its expansion ROM. */
export const BarCount = 6;
/** Of the 65,536 ports: the bus maps no BAR at 0. */
const LargestPortBar = 0x8000;
const SmallestBar = { ports: 4, memory: 16, container: 16, ram: 16, rom: 16 } as const;

/**
 * The guest maps the region by base address register `index`; at reset it is not mapped. Port regions become I/O BARs, all
 * others memory BARs.
 */
export function bar(index: number, region: HandledRegion | ContainerRegion | RamRegion, spec: BarSpec = {}) {
  return (deviceClass: PciClass): void => {
    const { is64Bit = false, prefetchable = false } = spec;
    const kind = region.kind === 'ports' || (region.kind === 'container' && spec.kind === 'ports') ? 'ports' : 'memory';
    const declaration = Object.freeze({ index, region, kind, is64Bit, prefetchable });
    const record = recorderOf(deviceClass);
    const fail = (code: string, why: string) =>
      new BackplaneError(code, `Class ${deviceClass.name}: @bar(${index}, ${region.name}): ${why}`);
    const unknown = unknownWord(spec, ['is64Bit', 'prefetchable', 'kind']);
    if (unknown !== undefined) throw fail('unknown-word', `it ${unknown}`);
    if (region.base !== undefined) {
      throw fail(
        'bar-with-base',
        `the region has the base ${hex(region.base)}, but the guest places a BAR. Leave out base.`,
      );
    }
    checkBar(index, { kind: kind === 'ports' ? kind : region.kind, size: region.size, is64Bit, prefetchable }, fail);
    const earlier = [...(baseMetadataOf(deviceClass)?.attribute(pciBars) ?? []), ...record.list(pciBars)];
    for (const other of earlier) {
      if (other.region === region)
        throw fail('bar-region-twice', `the region is BAR ${other.index} already. Keep one of them.`);
      const taken = registersOf(other).find((register) => registersOf(declaration).includes(register));
      if (taken === undefined) continue;
      throw fail(
        'bar-register-taken',
        `register ${taken} belongs to @bar(${other.index}, ${other.region.name}). Give one of them another index.`,
      );
    }
    record.add('otherRegions', region, `@bar(${index}, ${region.name})`);
    record.prepend(pciBars, declaration);
  };
}

/** Which of the six registers a BAR takes: a 64-bit one takes two. */
export function registersOf({ index, is64Bit }: Pick<BarDeclaration, 'index' | 'is64Bit'>): readonly number[] {
  return is64Bit ? [index, index + 1] : [index];
}

interface BarShape extends Omit<Required<BarSpec>, 'kind'> {
  readonly kind: RegionTemplate['kind'];
  readonly size: number;
}

/** Refuses a BAR that hardware could not have. */
export function checkBar(index: number, { kind, size, is64Bit, prefetchable }: BarShape, fail: Fail): void {
  const last = is64Bit ? BarCount - 2 : BarCount - 1;
  if (!Number.isInteger(index) || index < 0 || index > last) {
    throw fail(
      'unknown-bar',
      `a function has the BARs 0 to ${BarCount - 1}${is64Bit ? ', and a 64-bit one takes two: 0 to 4' : ''}. Use one of them.`,
    );
  }
  if (kind === 'ports' && (is64Bit || prefetchable)) {
    throw fail(
      'invalid-bar-kind',
      `ports have ${is64Bit ? '16-bit addresses' : 'side effects'}. Leave out ${is64Bit ? 'is64Bit' : 'prefetchable'}, or use mmioRegion.`,
    );
  }
  const smallest = SmallestBar[kind];
  if (!isPowerOfTwo(size) || size < smallest) {
    const next = Math.max(smallest, 2 ** Math.ceil(Math.log2(Math.max(size, 1))));
    throw fail(
      'invalid-bar-size',
      `its size ${hex(size)} is not a power of two from ${smallest} bytes on, and a BAR decodes address bits. Give the region ${hex(next)} bytes.`,
    );
  }
  if (kind === 'ports' && size > LargestPortBar) {
    throw fail(
      'invalid-bar-size',
      `${hex(size)} ports fit at address 0 alone, which means not mapped. Give it at most ${hex(LargestPortBar)}.`,
    );
  }
  if (!is64Bit && size > 2 * GiB) {
    throw fail('invalid-bar-size', `${hex(size)} bytes do not fit below 4 GiB. Make it 64-bit: { is64Bit: true }.`);
  }
}

function documentBars(bars: readonly BarDeclaration[]): AttributeDocument {
  const rows = bars.map(({ index, region, kind, is64Bit, prefetchable }) => [
    `BAR ${index} at ${registerName(PciRegister.BaseAddress0 + 4 * index)}`,
    `\`${region.name}\``,
    kind === 'ports' ? `${region.size} ports` : `${formatSize(region.size)}, ${is64Bit ? 64 : 32}-bit`,
    prefetchable ? 'yes' : '',
  ]);
  const places = new Map(bars.map(({ index, region }): [RegionTemplate, string] => [region, `BAR ${index}`]));
  const columns = ['register', 'region', 'size', 'prefetchable'];
  return { tables: [{ heading: 'Base address registers', columns, rows }], places };
}

/** The name in `info mtree`, 'nic.rom', its bytes, a power of two from 2 KiB, and its image. A `romRegion` will do. */
export type ExpansionRomSpec = Pick<RomSpec, 'name' | 'size' | 'image'>;

/** What `@expansionRom` declared. */
export const pciExpansionRom = new ClassAttribute<ExpansionRomSpec>('expansionRom', documentRom);

/** A power of two from 2 KiB to 16 MiB. */
export const isRomSize = (size: number): boolean => isPowerOfTwo(size) && size >= 2 * KiB && size <= 16 * MiB;

/** The function carries firmware of its own, which the guest maps by the expansion ROM's base address register. */
export function expansionRom(spec: ExpansionRomSpec) {
  return (deviceClass: PciClass): void => {
    const { name, size, image } = spec;
    const fail = (why: string) =>
      new BackplaneError('invalid-expansion-rom', `Class ${deviceClass.name}: @expansionRom('${name}'): ${why}`);
    if (!isRomSize(size)) throw fail(`${size} bytes is not a power of two from 2 KiB to 16 MiB. Give it one.`);
    if (image !== undefined && image.length > size) {
      throw fail(`the image has ${image.length} bytes and the ROM only ${size}. Give the ROM the next power of two.`);
    }
    recorderOf(deviceClass).set(
      pciExpansionRom,
      Object.freeze({ name, size, ...(image === undefined ? {} : { image }) }),
    );
  };
}

function documentRom({ name, size, image }: ExpansionRomSpec): AttributeDocument {
  const contents = image === undefined ? 'empty' : `${image.length} bytes`;
  const row = [`at ${registerName(PciRegister.ExpansionRom)}`, `\`${name}\``, formatSize(size), contents];
  return { tables: [{ heading: 'Expansion ROM', columns: ['register', 'region', 'size', 'image'], rows: [row] }] };
}

/** A region inside a BAR, `offset` bytes from its start. It is in front of what the region of the BAR has there. */
export interface RegionInBar {
  readonly bar: number;
  readonly offset: number;
  readonly region: RegionTemplate;
}

/** Every region of a class that its device maps into one of its BARs. */
export const pciBarRegions = new ClassAttributeList<RegionInBar>('barRegion', documentRegions);

/** All of a class, or those in one BAR. */
export function regionsInBar(metadata: ClassMetadata, index?: number): readonly RegionInBar[] {
  const all = metadata.attribute(pciBarRegions) ?? [];
  return index === undefined ? all : all.filter((one) => one.bar === index);
}

export const placeInBar = ({ bar, offset }: Omit<RegionInBar, 'region'>): string => `BAR ${bar} + ${hex(offset)}`;

function documentRegions(regions: readonly RegionInBar[]): AttributeDocument {
  return { places: new Map(regions.map((one) => [one.region, placeInBar(one)])) };
}

import { BackplaneError, type Fail } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import {
  type AttributeDocument,
  baseMetadataOf,
  bit,
  bits,
  ClassAttribute,
  ContainerRegion,
  type HandledRegion,
  mmioRegion,
  type RegisterDeclaration,
  recorderOf,
  reserved,
} from '../../device/index.ts';
import { BarCount, type BarDeclaration, bar, pciBarRegions, pciBars, placeInBar } from './bar-declaration.ts';
import { declareCapability, PciCapabilityId } from './capabilities.ts';
import { declareConfigRegister as register } from './config-registers.ts';
import type { PciClass } from './identity.ts';

/** Bits of the control word. */
export const MsixControl = { Enable: 0x8000, FunctionMask: 0x4000 } as const;
/** Words of a table entry, and which of them is the vector control. */
export const EntryWords = 4;
export const VectorControl = 3;
export const VectorMask = 1;
const EntryBytes = 16;
const MostVectors = 2048;
/** The low bits of the places say which BAR it is. */
const PlaceAlignment = 8;
const SmallestOwnBar = 0x1000;

/** Where a structure is: in BAR `bar`, `offset` bytes from its start. */
export interface MsixPlace {
  readonly bar: number;
  readonly offset: number;
}

export interface MsixSpec {
  /** How many messages it can send: 1 to 2048. */
  readonly vectors: number;
  /** The table of 16 bytes for each vector. A memory BAR of the class, or one of which nothing else is. */
  readonly table: MsixPlace;
  /** The pending bits, 8 bytes for each 64 vectors. */
  readonly pba: MsixPlace;
  /** Where the capability is in configuration space. Default: the first free place. */
  readonly offset?: number;
}

export const msixControlAt = (capability: number): number => capability + 2;
/** 32-bit words of the pending bits. */
export const pendingWords = (vectors: number): number => 2 * Math.ceil(vectors / 64);

/** `metadataOf(Class).attribute(pciMsix)`. */
export const pciMsix = new ClassAttribute<MsixSpec>('msix', documentMsix, completeMsix);

/**
 * The function can interrupt by MSI-X messages, if the guest asks for that. Extend the class from PciDevice and call
 * `sendMessage(vector)` where the pin would go up. A BAR that the class does not declare is made for table and pending bits.
 */
export function msix(spec: MsixSpec) {
  return (deviceClass: PciClass): void => {
    const fail = (code: string, why: string) => new BackplaneError(code, `Class ${deviceClass.name}: @msix ${why}`);
    checkSpec(spec, fail);
    const { vectors, table, pba, offset } = spec;
    const registers = msixRegisters(spec);
    declareCapability({ id: PciCapabilityId.MsiX, ...(offset === undefined ? {} : { offset }), registers })(
      deviceClass,
    );
    const words = { accepts: { min: 4, max: 8 }, implements: { min: 4, max: 4 } } as const;
    const tableRegion = mmioRegion({ name: 'msix-table', size: EntryBytes * vectors, ...words });
    const pendingRegion = mmioRegion({ name: 'msix-pba', size: 4 * pendingWords(vectors), ...words });
    const record = recorderOf(deviceClass);
    record.set(pciMsix, Object.freeze({ vectors, table, pba }));
    record.prepend(pciBarRegions, { ...pba, region: pendingRegion });
    record.prepend(pciBarRegions, { ...table, region: tableRegion });
    // Methods of PciDevice; an author declares such with decorators.
    const { prototype } = deviceClass;
    handle(tableRegion, { read: 'readMsixTable', write: 'writeMsixTable' });
    handle(pendingRegion, { read: 'readMsixPending' });

    function handle(region: HandledRegion, { read, write }: { readonly read: string; readonly write?: string }): void {
      const whole = { form: 'plain', offset: undefined, length: undefined, sizes: undefined } as const;
      record.add('handlers', { region, declaration: { ...whole, method: read, isWrite: false } }, '@msix');
      if (write !== undefined)
        record.add('handlers', { region, declaration: { ...whole, method: write, isWrite: true } }, '@msix');
      region.peek()(prototype as never, read, {} as never);
    }
  };
}

/** @see PCI Local Bus Specification 3.0, 6.8.2 "MSI-X Capability and Table Structures" */
function msixRegisters({ vectors, table, pba }: MsixSpec): RegisterDeclaration[] {
  const fields = { bar: bits(0, 2, 'constant'), offset: bits(3, 31, 'constant') };
  return [
    register('msixControl', msixControlAt(0), {
      width: 16,
      reset: vectors - 1,
      fields: {
        lastVector: bits(0, 10, 'constant'),
        unused: reserved([11, 13]),
        functionMask: bit(14),
        enable: bit(15),
      },
    }),
    register('msixTable', 4, { width: 32, reset: table.offset | table.bar, fields }),
    register('msixPending', 8, { width: 32, reset: pba.offset | pba.bar, fields }),
  ];
}

function checkSpec(spec: MsixSpec, fail: Fail): void {
  const unknown = unknownWord(spec, ['vectors', 'table', 'pba', 'offset']);
  if (unknown !== undefined) throw fail('unknown-word', unknown);
  const { vectors, table, pba } = spec;
  if (!Number.isInteger(vectors) || vectors < 1 || vectors > MostVectors) {
    throw fail('invalid-msix-vectors', `has vectors: ${vectors}. A table has 1 to ${MostVectors}. Give it so many.`);
  }
  for (const [name, place] of Object.entries({ table, pba })) {
    const { bar: index, offset } = place ?? {};
    if (!Number.isInteger(index) || index < 0 || index >= BarCount)
      throw fail('unknown-bar', `has its ${name} in BAR ${index}. A function has the BARs 0 to ${BarCount - 1}.`);
    if (!Number.isInteger(offset) || offset < 0 || offset >= 2 ** 31 || offset % PlaceAlignment !== 0)
      throw fail(
        'msix-misplaced',
        `has its ${name} at ${hex(offset)}, which is no multiple of ${PlaceAlignment} below 2 GiB. Move it.`,
      );
  }
  if (table.bar !== pba.bar || !overlap(rangeOf(spec, 'table'), rangeOf(spec, 'pba'))) return;
  throw fail('msix-misplaced', `has table and pending bits over each other in BAR ${pba.bar}. Move one of them.`);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function rangeOf({ vectors, table, pba }: MsixSpec, which: 'table' | 'pba'): Range {
  const start = which === 'table' ? table.offset : pba.offset;
  return { start, end: start + (which === 'table' ? EntryBytes * vectors : 4 * pendingWords(vectors)) };
}

const overlap = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

/** All of the class is known: its BARs hold table and pending bits, or one is made for them. */
function completeMsix(declared: MsixSpec, deviceClass: PciClass): void {
  for (const which of ['table', 'pba'] as const) {
    const index = declared[which].bar;
    const { end } = rangeOf(declared, which);
    const other = which === 'table' ? 'pba' : 'table';
    const present = barsOf(deviceClass).find((one) => one.index === index);
    if (present === undefined) {
      const inside = declared[other].bar === index ? Math.max(end, rangeOf(declared, other).end) : end;
      const size = 2 ** Math.ceil(Math.log2(Math.max(inside, SmallestOwnBar)));
      bar(index, new ContainerRegion({ name: 'msix', size }))(deviceClass);
    } else checkInside(declared, which, present, deviceClass);
  }
}

const barsOf = (deviceClass: PciClass): readonly BarDeclaration[] => [
  ...(baseMetadataOf(deviceClass)?.attribute(pciBars) ?? []),
  ...recorderOf(deviceClass).list(pciBars),
];

function checkInside(
  declared: MsixSpec,
  which: 'table' | 'pba',
  { index, region, kind }: BarDeclaration,
  deviceClass: PciClass,
): void {
  const range = rangeOf(declared, which);
  const refuse = (why: string) =>
    new BackplaneError(
      'msix-misplaced',
      `Class ${deviceClass.name}: @msix has its ${which} in BAR ${index}, region '${region.name}': ${why}`,
    );
  if (kind === 'ports') throw refuse('it has ports, and MSI-X is in memory. Name another BAR.');
  if (range.end > region.size)
    throw refuse(`it ends at ${hex(range.end)}, and that has ${hex(region.size)} bytes. Move it, or enlarge that.`);
  const record = recorderOf(deviceClass);
  const registers = [
    ...(baseMetadataOf(deviceClass)?.registers ?? []),
    ...record.registers.map(({ definition: { bank, offset, spec } }) => ({ bank, offset, ...spec })),
  ];
  const taken = registers.find(({ bank, offset: start, width, count = 1, stride = width / 8 }) => {
    return bank === (region as unknown) && overlap(range, { start, end: start + (count - 1) * stride + width / 8 });
  });
  if (taken !== undefined) throw refuse(`a register is at ${hex(taken.offset)}. Move one of them.`);
}

function documentMsix({ vectors, table, pba }: MsixSpec): AttributeDocument {
  const note = 'A masked vector stays pending, and is sent once when it is unmasked.';
  const rows = [
    ['table', placeInBar(table), `${vectors} entries of 16 bytes: address, upper address, data, vector control`],
    ['pending bits', placeInBar(pba), `${4 * pendingWords(vectors)} bytes, a bit for each vector`],
  ];
  return { tables: [{ heading: 'MSI-X', note, columns: ['structure', 'place', 'contents'], rows }] };
}

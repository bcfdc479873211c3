import { hex } from '../base/text.ts';
import {
  chosenIndex,
  Device,
  describeRegisterValue,
  type HandledRegion,
  type IndexedPlace,
  type RegisterDeclaration,
  type RegisterPlace,
  type RegistersBehind,
  registerAt,
  registerLabel,
  sideOf,
} from '../device/index.ts';
import type { AddressSpace } from '../memory/index.ts';

/** The address spaces of the accesses. */
export interface AccessedMachine {
  readonly io: AddressSpace;
  readonly memory: AddressSpace;
}

/** One access of the guest; an observer's access event is one. */
export interface DescribedAccess {
  readonly isPort: boolean;
  readonly address: number;
  /** Bytes. */
  readonly size: number;
  /** Selects one of two registers at one offset: the one for reads or the one for writes. */
  readonly isWrite?: boolean;
  /** The value that was written or read, where it is known. */
  readonly value?: number | bigint;
}

/**
 * The register and its fields, as the device declares them: `edu: status interruptWhenDone=1`. Without a register it is the region
 * and the offset: `i8259: pic-master+0x1`. Undefined for RAM and unassigned addresses. It is slow: meant for traces.
 */
export function describeAccess(machine: AccessedMachine, access: DescribedAccess): string | undefined {
  const section = (access.isPort ? machine.io : machine.memory).lookup(access.address);
  const owner = section?.region.owner;
  if (section === undefined || section.region.ram !== undefined || !(owner instanceof Device)) return undefined;
  const { region, start, offsetInRegion } = section;
  const offset = offsetInRegion + access.address - start;
  const template = owner.metadata.regions.find((one) => owner.region(one.template) === region)?.template;
  const behind = template && owner.registersBehind(template, offset);
  if (behind !== undefined) return `${behind.device.id}: ${describeRegisters(behind, access)}`;
  const place = template && registerOf(owner, template as HandledRegion, offset, access.isWrite === true);
  const what = place === undefined ? `${region.name}+${hex(offset)}` : describePlace(place, offset, access);
  return `${owner.id}: ${what}`;
}

/**
 * The registers in which two answers of one access differ, behind a window such as configuration space: `ramSize (byte 0x57)`.
 * Undefined for other accesses, whose address says it.
 */
export function describeDifference(
  machine: AccessedMachine,
  { isPort, address, recorded, answered }: DifferentAnswers,
): string | undefined {
  const behind = windowAt(machine, isPort, address);
  if (behind === undefined) return undefined;
  const registers = behind.device.registersIn(behind.bank);
  const labels = new Map<string, string>();
  for (let byte = 0, left = (recorded ^ answered) >>> 0; left !== 0; byte++, left >>>= 8) {
    if ((left & 0xff) === 0) continue;
    const at = `byte ${hex(behind.offset + byte)}`;
    const place = registerAt(registers, behind.bank, behind.offset + byte);
    const label = place === undefined ? at : registerLabel(place);
    if (!labels.has(label)) labels.set(label, place === undefined ? at : `${label} (${at})`);
  }
  return [...labels.values()].join(', ');
}

/** Two answers of one access of up to four bytes. */
interface DifferentAnswers extends Pick<DescribedAccess, 'isPort' | 'address'> {
  readonly recorded: number;
  readonly answered: number;
}

function windowAt(machine: AccessedMachine, isPort: boolean, address: number): RegistersBehind | undefined {
  const section = (isPort ? machine.io : machine.memory).lookup(address);
  const owner = section?.region.owner;
  if (section === undefined || !(owner instanceof Device)) return undefined;
  const template = owner.metadata.regions.find((one) => owner.region(one.template) === section.region)?.template;
  return template && owner.registersBehind(template, section.offsetInRegion + address - section.start);
}

/** All registers of a bank that the access covers; one alone with its fields. */
export function describeRegisters({ device, bank, offset }: RegistersBehind, access: DescribedAccess): string {
  const registers = device.registersIn(bank);
  const places = new Map<string, RegisterPlace>();
  for (let at = offset; at < offset + access.size; at++) {
    const place = registerAt(registers, bank, at);
    if (place !== undefined && !places.has(registerLabel(place))) places.set(registerLabel(place), place);
  }
  const [only] = places.values();
  if (only === undefined) return `${bank.name}+${hex(offset)}`;
  return places.size === 1 && registerAt(registers, bank, offset) !== undefined
    ? describePlace(only, offset, access)
    : [...places.keys()].join(', ');
}

/** At a data port it is the register that the index register selects now. */
function registerOf(
  device: Device,
  template: HandledRegion,
  offset: number,
  isWrite: boolean,
): RegisterPlace | undefined {
  const otherSide = isWrite ? 'reads' : 'writes';
  const all = device.metadata.registers;
  const registers = all.filter((one) => one.bank === template && sideOf(one, all) !== otherSide);
  const behind = registers.find((one) => one.indexedBy && one.bank === template && one.offset === offset);
  return registerAt(registers, template, offset, behind && chosenBy(device, behind));
}

function chosenBy(device: Device, { indexedBy }: RegisterDeclaration): number {
  const place = indexedBy as IndexedPlace;
  return chosenIndex(place, Number((device as unknown as Readonly<Record<string, unknown>>)[place.indexMember]));
}

/** A whole register field by field; a part of one by its first byte. */
function describePlace(place: RegisterPlace, offset: number, { size, value }: DescribedAccess): string {
  const { register, index } = place;
  const label = registerLabel(place);
  const at = offset - register.offset - (register.indexedBy === undefined ? index * (register.stride ?? 0) : 0);
  if (at > 0) return `${label}, from byte ${at}`;
  if (value === undefined || size * 8 !== register.width || register.fields.length === 0) return label;
  return `${label} ${describeRegisterValue(register, value)}`;
}

import { hex } from '../base/text.ts';
import {
  chosenIndex,
  Device,
  describeRegisterValue,
  type HandledRegion,
  type IndexedPlace,
  type RegisterDeclaration,
  type RegisterPlace,
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
  const place = template && registerOf(owner, template as HandledRegion, offset, access.isWrite === true);
  const what = place === undefined ? `${region.name}+${hex(offset)}` : describePlace(place, offset, access);
  return `${owner.id}: ${what}`;
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

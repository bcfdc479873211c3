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

/** Where the accesses go. */
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
  /** Tells two registers apart of which one is read and the other written. */
  readonly isWrite?: boolean;
  /** What was written or read, where it is known. */
  readonly value?: number | bigint;
}

/**
 * What the guest meant, in the words of the device's declaration: `edu: status interruptWhenDone=1`; without a register there
 * the region and the offset in it: `i8259: pic-master+0x1`. Undefined for RAM, and where no device is. For people who read
 * traces: it looks everything up anew.
 */
export function describeAccess(machine: AccessedMachine, access: DescribedAccess): string | undefined {
  const section = (access.isPort ? machine.io : machine.memory).lookup(access.address);
  const owner = section?.region.owner;
  if (section === undefined || section.region.ram !== undefined || !(owner instanceof Device)) return undefined;
  const { region, start, offsetInRegion } = section;
  const offset = offsetInRegion + access.address - start;
  const template = owner.blueprint.regions.find((one) => owner.region(one.template) === region)?.template;
  const place = template && registerOf(owner, template as HandledRegion, offset, access.isWrite === true);
  const what = place === undefined ? `${region.name}+${hex(offset)}` : describePlace(place, offset, access);
  return `${owner.id}: ${what}`;
}

/** Behind a data port it is the register that the index register holds now. */
function registerOf(
  device: Device,
  template: HandledRegion,
  offset: number,
  isWrite: boolean,
): RegisterPlace | undefined {
  const otherSide = isWrite ? 'reads' : 'writes';
  const all = device.blueprint.registers;
  const registers = all.filter((one) => one.region === template && sideOf(one, all) !== otherSide);
  const behind = registers.find((one) => one.indexedBy && one.region === template && one.offset === offset);
  return registerAt(registers, template, offset, behind && chosenBy(device, behind));
}

function chosenBy(device: Device, { indexedBy }: RegisterDeclaration): number {
  const place = indexedBy as IndexedPlace;
  return chosenIndex(place, Number((device as unknown as Readonly<Record<string, unknown>>)[place.indexMember]));
}

/** The whole register field by field; of a part of it where the part begins. */
function describePlace(place: RegisterPlace, offset: number, { size, value }: DescribedAccess): string {
  const { register, index } = place;
  const label = registerLabel(place);
  const at = offset - register.offset - (register.indexedBy === undefined ? index * (register.stride ?? 0) : 0);
  if (at > 0) return `${label}, from byte ${at}`;
  if (value === undefined || size * 8 !== register.width || register.fields.length === 0) return label;
  return `${label} ${describeRegisterValue(register, value)}`;
}

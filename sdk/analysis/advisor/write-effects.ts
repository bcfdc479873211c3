import type { RegisterDeclaration } from '../../device/index.ts';
import { extent } from '../../device/registers/names.ts';
import type { Machine } from '../../machine/index.ts';
import type { Candidate } from './candidates.ts';
import type { WriteTarget } from './observation.ts';
import { type BadEffect, type IoMapEntry, ioMapEntriesOf, type WriteEffect } from './pc-io-map.ts';

/** The effects of a candidate's writes, from declarations and data sheets. A recording does not show what a write means. */
export interface WriteEffects {
  /** What must not come late, each with the names of what does it. */
  readonly bad: ReadonlyMap<BadEffect, readonly string[]>;
  /** Why the others may wait, each with names. */
  readonly harmless: ReadonlyMap<HarmlessEffect, readonly string[]>;
  /** Some of the writes reach what is not known, or what is code of the machine's own device. */
  readonly unknown: boolean;
  /** First and last address of what shows the effect, where no device is modelled. */
  readonly partners: readonly (readonly [first: number, last: number])[];
}

export type HarmlessEffect = Exclude<WriteEffect, BadEffect>;

/** From the declaration of a modelled device: a register without a hook only keeps a write. Elsewhere from the map of a PC. */
export function writeEffectsOf(candidate: Candidate, targets: readonly WriteTarget[], machine: Machine): WriteEffects {
  const bad = new Map<BadEffect, string[]>();
  const harmless = new Map<HarmlessEffect, string[]>();
  const partners = new Map<number, readonly [number, number]>();
  let unknown = false;
  // A page is coalesced with all that is in it, written in this recording or not.
  for (const name of acknowledgedBy(candidate, machine)) note(bad, 'acknowledge', name);
  for (const index of candidate.targets) {
    const target = targets[index]!;
    const { isPort, address, size, region } = target;
    for (const entry of region === undefined ? ioMapEntriesOf(isPort, address, size) : modelled(target, machine)) {
      const { name = '', effect } = entry ?? {};
      if (effect === undefined) unknown = true;
      else if (isHarmless(effect)) note(harmless, effect, name);
      else note(bad, effect, name);
      if (entry?.partners !== undefined) partners.set(entry.partners[0], entry.partners);
    }
  }
  return { bad, harmless, unknown, partners: [...partners.values()] };
}

function modelled(target: WriteTarget, machine: Machine): readonly (Partial<IoMapEntry> | undefined)[] {
  return keptBy(target, machine)?.map((name) => ({ name, effect: 'keeps' })) ?? [undefined];
}

type Place = Pick<WriteTarget, 'region' | 'offset' | 'size'>;

function registersAt({ region }: Place, machine: Machine): RegisterDeclaration[] {
  const metadata = machine.devices.find(({ device }) => device === region?.owner)?.metadata;
  return metadata?.registers.filter((register) => register.bank.name === region?.name) ?? [];
}

/** The declared registers and fields of a place that a written one clears. */
function acknowledgedBy(place: Place, machine: Machine): string[] {
  const isClear = ({ access }: { readonly access: string }) => access === 'write-one-to-clear';
  const own = registersAt(place, machine).filter((register) => isClear(register) || register.fields.some(isClear));
  return own
    .filter((register) => register.offset < place.offset + place.size && place.offset < endOf(register))
    .flatMap((register) => {
      const fields = register.fields.filter(isClear).map(({ name }) => `${register.name}.${name}`);
      return isClear(register) ? [register.name] : fields;
    });
}

/** The declared registers that a write reaches, if all of it is registers that no code looks at. */
function keptBy(target: WriteTarget, machine: Machine): string[] | undefined {
  const { offset, size } = target;
  const own = registersAt(target, machine);
  const names = new Set<string>();
  for (let byte = offset; byte < offset + size; byte++) {
    const here = own.filter((register) => covers(register, byte));
    if (here.length === 0 || !here.every(onlyKeeps)) return undefined;
    for (const { name } of here) names.add(name);
  }
  return [...names];
}

/** Behind the last byte of a register, or of an array of them. */
const endOf = (register: RegisterDeclaration): number => register.offset + extent(register);

function covers(register: RegisterDeclaration, byte: number): boolean {
  const { offset, width, stride = 0, indexedBy } = register;
  const within = indexedBy === undefined && stride > 0 ? (byte - offset) % stride : byte - offset;
  return byte >= offset && byte < endOf(register) && within < width / 8;
}

function onlyKeeps({ writeHook, fields }: RegisterDeclaration): boolean {
  return [{ writeHook }, ...fields].every((part) => part.writeHook === undefined);
}

const isHarmless = (effect: WriteEffect): effect is HarmlessEffect =>
  effect === 'keeps' || effect === 'picture' || effect === 'log';

function note<Key>(names: Map<Key, string[]>, key: Key, name: string): void {
  const known = names.get(key);
  if (known === undefined) names.set(key, [name]);
  else if (!known.includes(name)) known.push(name);
}

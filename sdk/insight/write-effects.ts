import type { RegisterDeclaration } from '../device/index.ts';
import type { Machine } from '../machine/index.ts';
import type { Candidate } from './advise-candidates.ts';
import type { WriteShape } from './advise-shapes.ts';
import { type BadEffect, type Landmark, type LandmarkEffect, landmarksOf } from './pc-landmarks.ts';

/** What is known beforehand of a candidate's writes. The recording is not asked: it does not show what a write means. */
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

export type HarmlessEffect = Exclude<LandmarkEffect, BadEffect>;

/**
 * A device that the machine models speaks for itself: a declared register without a hook only keeps what is written. Of its
 * code nothing is known, but that a PC has something there which must not wait. Where no device is modelled, it is a PC.
 */
export function writeEffectsOf(candidate: Candidate, shapes: readonly WriteShape[], machine: Machine): WriteEffects {
  const bad = new Map<BadEffect, string[]>();
  const harmless = new Map<HarmlessEffect, string[]>();
  const partners = new Map<number, readonly [number, number]>();
  let unknown = false;
  for (const index of candidate.shapes) {
    const shape = shapes[index]!;
    const landmarks = landmarksOf(shape.isPort, shape.address, shape.size);
    for (const landmark of shape.region === undefined ? landmarks : modelled(shape, landmarks, machine)) {
      const { name = '', effect } = landmark ?? {};
      if (effect === undefined) unknown = true;
      else if (isHarmless(effect)) note(harmless, effect, name);
      else note(bad, effect, name);
      if (landmark?.partners !== undefined) partners.set(landmark.partners[0], landmark.partners);
    }
  }
  return { bad, harmless, unknown, partners: [...partners.values()] };
}

type Known = Partial<Landmark> | undefined;

function modelled(shape: WriteShape, landmarks: readonly Known[], machine: Machine): readonly Known[] {
  const acknowledged = acknowledgedBy(shape, machine);
  if (acknowledged.length > 0) return acknowledged.map((name) => ({ name, effect: 'acknowledge' }));
  const interrupts = landmarks.filter((landmark) => landmark?.effect === 'interrupts');
  if (interrupts.length > 0) return interrupts;
  const names = keptBy(shape, machine);
  if (names !== undefined) return names.map((name) => ({ name, effect: 'keeps' }));
  const bad = landmarks.filter((landmark) => landmark?.effect !== undefined && !isHarmless(landmark.effect));
  return bad.length > 0 ? bad.map((landmark) => ({ ...landmark, partners: undefined })) : [undefined];
}

function registersAt({ region }: WriteShape, machine: Machine): RegisterDeclaration[] {
  const blueprint = machine.devices.find(({ device }) => device === region?.owner)?.blueprint;
  return blueprint?.registers.filter((register) => register.region.name === region?.name) ?? [];
}

/** The declared registers and fields that a write reaches and that a written one clears. */
function acknowledgedBy(shape: WriteShape, machine: Machine): string[] {
  const names = new Set<string>();
  for (const register of registersAt(shape, machine)) {
    for (let byte = shape.offset; byte < shape.offset + shape.size; byte++) {
      if (!covers(register, byte)) continue;
      const fields = register.fields.filter(({ access }) => access === 'write-one-to-clear');
      if (register.access === 'write-one-to-clear') names.add(register.name);
      else for (const field of fields) names.add(`${register.name}.${field.name}`);
    }
  }
  return [...names];
}

/** The declared registers that a write reaches, if all of it is registers that no code looks at. */
function keptBy(shape: WriteShape, machine: Machine): string[] | undefined {
  const { offset, size } = shape;
  const own = registersAt(shape, machine);
  const names = new Set<string>();
  for (let byte = offset; byte < offset + size; byte++) {
    const here = own.filter((register) => covers(register, byte));
    if (here.length === 0 || !here.every(onlyKeeps)) return undefined;
    for (const { name } of here) names.add(name);
  }
  return [...names];
}

function covers({ offset, width, count = 1, stride = 0, indexedBy }: RegisterDeclaration, byte: number): boolean {
  const last = indexedBy === undefined ? offset + (count - 1) * stride : offset;
  const within = indexedBy === undefined && stride > 0 ? (byte - offset) % stride : byte - offset;
  return byte >= offset && byte < last + width / 8 && within < width / 8;
}

function onlyKeeps({ writeHook, fields }: RegisterDeclaration): boolean {
  return [{ writeHook }, ...fields].every((part) => part.writeHook === undefined);
}

const isHarmless = (effect: LandmarkEffect): effect is HarmlessEffect =>
  effect === 'keeps' || effect === 'picture' || effect === 'log';

function note<Key>(names: Map<Key, string[]>, key: Key, name: string): void {
  const known = names.get(key);
  if (known === undefined) names.set(key, [name]);
  else if (!known.includes(name)) known.push(name);
}

import { mayCompile } from '../../memory/handler-calls.ts';
import type { ClassMetadata } from '../class-metadata.ts';
import { RegisterPlaces } from './byte-enables.ts';
import { compileRegisters } from './compile.ts';
import { interpretRegisters } from './interpret.ts';
import { registerLocks } from './locks.ts';

/** How accesses reach registers here: by code made for each, or by an interpreter where `new Function` is forbidden. */
export function registerEngine(): 'compiled' | 'interpreted' {
  return mayCompile() ? 'compiled' : 'interpreted';
}

const made = new WeakMap<ClassMetadata, RegisterPlaces>();

/** Made when the first device of the class is realized. */
export function registersOf(metadata: ClassMetadata): RegisterPlaces {
  let registers = made.get(metadata);
  if (registers === undefined) {
    registers = makeRegisters(metadata);
    made.set(metadata, registers);
  }
  return registers;
}

function makeRegisters(metadata: ClassMetadata): RegisterPlaces {
  const places = new RegisterPlaces(metadata, registerLocks);
  const { models, ports, helpers } = places;
  const code =
    registerEngine() === 'compiled'
      ? compileRegisters(models, ports, helpers, metadata.deviceClass.name)
      : interpretRegisters(models, ports, helpers);
  places.fill(code);
  return places;
}

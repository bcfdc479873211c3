import { declareRegister, type RegisterDeclaration, type RegisterSpec, registerBank } from '../../device/index.ts';

/** Bytes of conventional configuration space. Accesses that run over its end are cut there. */
export const PciConfigSize = 256;

/**
 * The registers of a function's configuration space, declared like those of a region:
 * `@configRegisters.register(0x72, { width: 8, reset: 0x02 }) smram = 0x02`. Offsets are those of the datasheet. The bus has the
 * header below 0x40. Bytes from there on without a register hold what the guest writes.
 */
export const configRegisters = registerBank({ name: 'PCI configuration', size: PciConfigSize, missing: 'silent' });

/** A register that every function has, or that a capability brings along: the class has no field for it. */
export function declareConfigRegister(name: string, offset: number, spec: RegisterSpec): RegisterDeclaration {
  return declareRegister({ bank: configRegisters, offset, spec, indexed: undefined }, name);
}

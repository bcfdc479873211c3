import { Cpuid2, CpuidEntry2 } from './abi.ts';

/** One entry of the table that CPUID answers from. @see asm/kvm.h (uapi), struct kvm_cpuid_entry2 */
export interface CpuidEntry {
  readonly function: number;
  /** Given where the answer depends on ECX. */
  readonly index?: number;
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

/** Bytes of struct kvm_cpuid2 with so many entries. */
export const sizeOfCpuid = (count: number): number => Cpuid2.header + count * Cpuid2.entry;

/** The argument of KVM_SET_CPUID2 for a table. */
export function cpuidStruct(entries: readonly CpuidEntry[]): DataView {
  const struct = new DataView(new ArrayBuffer(sizeOfCpuid(entries.length)));
  storeCpuid(struct, entries);
  return struct;
}

/** Fills a struct that has room for all of them. */
export function storeCpuid(struct: DataView, entries: readonly CpuidEntry[]): void {
  struct.setUint32(Cpuid2.count, entries.length, true);
  entries.forEach((entry, index) => {
    const at = Cpuid2.header + index * Cpuid2.entry;
    for (let byte = 0; byte < Cpuid2.entry; byte++) struct.setUint8(at + byte, 0);
    struct.setUint32(at + CpuidEntry2.function, entry.function, true);
    struct.setUint32(at + CpuidEntry2.index, entry.index ?? 0, true);
    struct.setUint32(at + CpuidEntry2.flags, entry.index === undefined ? 0 : CpuidEntry2.indexCounts, true);
    for (const register of ['eax', 'ebx', 'ecx', 'edx'] as const)
      struct.setUint32(at + CpuidEntry2[register], entry[register], true);
  });
}

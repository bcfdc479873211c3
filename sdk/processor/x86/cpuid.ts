import type { CpuidEntry } from '../../accelerator/kvm/simulated-kernel/processor.ts';
import { At } from './state-layout.ts';

const Nothing = { eax: 0, ebx: 0, ecx: 0, edx: 0 };

/** Family 6, model 7, stepping 3: a Pentium III, with what the processor has besides. @see Intel SDM volume 2A, CPUID */
const Signature = 0x673;
/** FPU PSE TSC MSR PAE CX8 SEP PGE CMOV MMX FXSR SSE SSE2. No APIC, no MTRR, no machine checks. */
const FeaturesEdx = 0x0780_a979;
/** SSE3 POPCNT. Neither RDRAND, whose values differ in each run of a real one, nor a hypervisor's leaves. */
const FeaturesEcx = 0x0080_0001;
/** 64 bytes a cache line, one logical processor. */
const FeaturesEbx = 0x0001_0800;
/** Enhanced REP MOVSB and STOSB. */
const FeaturesLeaf7 = 0x200;
/** Descriptors of caches and TLBs of a Pentium III. */
const CacheEax = 0x665b_5001;
const CacheEdx = 0x007a_7000;
const Frequency = { hertz: 1_000_000_000, megahertz: 1000, busMegahertz: 10 };

/** What CPUID answers; other leaves are zero. The time stamp counter counts nanoseconds of guest time: leaves 0x15 and 0x16. */
export const CpuidTable: readonly CpuidEntry[] = [
  { function: 0, eax: 0x16, ebx: letters('Genu'), ecx: letters('ntel'), edx: letters('ineI') },
  { function: 1, eax: Signature, ebx: FeaturesEbx, ecx: FeaturesEcx, edx: FeaturesEdx },
  { ...Nothing, function: 2, eax: CacheEax, edx: CacheEdx },
  { ...Nothing, function: 7, index: 0, ebx: FeaturesLeaf7 },
  { ...Nothing, function: 0x15, eax: 1, ebx: 1, ecx: Frequency.hertz },
  { ...Nothing, function: 0x16, eax: Frequency.megahertz, ebx: Frequency.megahertz, ecx: Frequency.busMegahertz },
  { ...Nothing, function: 0x8000_0000, eax: 0x8000_0000 },
];

/** CPUID: asked by EAX and ECX, in words of the state. */
export function answerCpuid(words: Int32Array): void {
  const first = At.registers >> 2;
  const leaf = words[first]! >>> 0;
  const index = words[first + 1]! >>> 0;
  const found = CpuidTable.find((entry) => entry.function === leaf && (entry.index ?? index) === index);
  const { eax, ebx, ecx, edx } = found ?? Nothing;
  words[first] = eax;
  words[first + 1] = ecx;
  words[first + 2] = edx;
  words[first + 3] = ebx;
}

function letters(text: string): number {
  return [3, 2, 1, 0].reduce((word, at) => word * 256 + text.charCodeAt(at), 0);
}

export const FirstRandom = 0x2545_f491;

/** RDRAND, which CPUID does not offer: the same values in each run. @see G. Marsaglia, Xorshift RNGs, 2003 */
export function nextRandom(last: number): number {
  let word = last;
  word ^= word << 13;
  word ^= word >>> 17;
  word ^= word << 5;
  return word;
}

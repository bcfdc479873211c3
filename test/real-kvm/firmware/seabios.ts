/** SeaBIOS on a real KVM: prints its accesses as far as they do not depend on time. */
import { gzipSync } from 'fflate';
import { hostKvmAccelerator } from '../../../sdk/host-kvm/accelerator.ts';
import { CpuidTable } from '../../../sdk/processor/x86/cpuid.ts';
import { bootSeaBios } from './seabios-boot.ts';

/** Returns to userspace: what a boot takes where each is slow, and a guest that polls does so as often as it can. */
const MostReturns = 5_000_000;

const { lines, ...rest } = bootSeaBios(hostKvmAccelerator({ cpuid: CpuidTable }), MostReturns);
const text = new TextEncoder().encode(lines.join('\n'));
console.log(JSON.stringify({ ...rest, lines: Buffer.from(gzipSync(text)).toString('base64') }));

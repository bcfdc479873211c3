import { hex } from '../../base/text.ts';
import { describeRange } from '../../memory/index.ts';
import type { ResetPort } from '../accelerator.ts';
import type { Zone } from './coalesced-zone-listener.ts';

/** What is wrong with a map where a reset waits in the ring: without a timer it may wait for ever. */
export function hiddenReset(
  zones: { readonly ports: readonly Zone[]; readonly memory: readonly Zone[] },
  registers: readonly ResetPort[],
): string | undefined {
  for (const { address, size, name, isMemory = false } of registers) {
    const own = isMemory ? zones.memory : zones.ports;
    const zone = own.find((z) => address < z.start + z.size && z.start < address + size);
    if (zone === undefined) continue;
    return (
      `drain=on-access: the coalesced ${isMemory ? 'memory' : 'ports'} ${describeRange(zone.start, zone.size)} ` +
      `${isMemory ? 'swallows' : 'swallow'} '${name}' at ${hex(address)}, and this policy has no timer that bounds how ` +
      `long a reset waits there. Use drain=every-exit, turn coalesced-${isMemory ? 'mmio' : 'pio'} off, or map the ` +
      'reset register so that it splits the range.'
    );
  }
  return undefined;
}

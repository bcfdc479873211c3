import { hex } from '../../base/text.ts';
import { BackplaneError, describeRange } from '../../memory/index.ts';
import type { ResetPort } from '../accelerator.ts';
import type { Zone } from './coalesced-zone-listener.ts';

/** Without a timer, a reset that waits in the ring may wait for ever. */
export function refuseHiddenResets(
  zones: { readonly ports: readonly Zone[]; readonly memory: readonly Zone[] },
  registers: readonly ResetPort[],
): void {
  for (const { address, size, name, isMemory = false } of registers) {
    const own = isMemory ? zones.memory : zones.ports;
    const zone = own.find((z) => address < z.start + z.size && z.start < address + size);
    if (zone === undefined) continue;
    throw new BackplaneError(
      `drain=on-access: the coalesced ${isMemory ? 'memory' : 'ports'} ${describeRange(zone.start, zone.size)} ` +
        `${isMemory ? 'swallows' : 'swallow'} '${name}' at ${hex(address)}, and this policy has no timer that bounds how ` +
        `long a reset waits there. Use drain=every-exit, turn coalesced-${isMemory ? 'mmio' : 'pio'} off, or map the ` +
        'reset register so that it splits the range.',
    );
  }
}

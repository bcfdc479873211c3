import { BackplaneError, describeRange, hex } from '../../memory/index.ts';
import type { ResetPort } from '../accelerator.ts';
import type { Zone } from './coalesced-zones.ts';

/** Without a timer, a reset that waits in the ring may wait for ever. */
export function refuseHiddenResets(zones: readonly Zone[], ports: readonly ResetPort[]): void {
  for (const port of ports) {
    const zone = zones.find((z) => port.address < z.start + z.size && z.start < port.address + port.size);
    if (zone === undefined) continue;
    throw new BackplaneError(
      `drain=on-access: the coalesced ports ${describeRange(zone.start, zone.size)} swallow '${port.name}' at ` +
        `${hex(port.address)}, and this policy has no timer that bounds how long a reset waits there. Use drain=every-exit, ` +
        'turn coalesced-pio off, or map the reset register so that it splits the range.',
    );
  }
}

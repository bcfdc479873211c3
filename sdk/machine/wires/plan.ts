import type { Option } from '../../device/index.ts';
import type { UsedDevice } from '../wiring.ts';
import type { Wire } from './wire.ts';

/** An option with its value, where it may wire a pin: `irq`. */
export interface WiringOption {
  readonly name: string;
  readonly wires: Option<unknown>['wires'] | undefined;
  readonly isGiven: boolean;
  readonly value: number | undefined;
}

/** The wires of one device, from its place in the definition and from its options. */
export function wiresOf(
  { interrupts }: UsedDevice,
  options: readonly WiringOption[],
  report: (code: string, what: string) => void,
): ReadonlyMap<string, Wire> {
  const wires = new Map<string, Wire>();
  for (const [pin, wire] of Object.entries(interrupts ?? {})) {
    if (wire === undefined) continue;
    wires.set(pin, wire);
    if ('problem' in wire && wire.problem !== undefined)
      report('unknown-interrupt-line', `pin '${pin}': ${wire.problem}`);
  }
  for (const { name, wires: wiring, value, isGiven } of options) {
    if (wiring === undefined || value === undefined) continue;
    const { pin, to } = wiring;
    if (!wires.has(pin)) wires.set(pin, to(value) as Wire);
    else if (isGiven)
      report('wired-twice', `option '${name}' and interrupts: both say where pin '${pin}' goes. Keep one of them.`);
  }
  return wires;
}

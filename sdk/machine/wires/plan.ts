import type { Option } from '../../device/index.ts';
import type { UsedDevice } from '../wiring.ts';
import { endsOf, type Signal, type Wire } from './wire.ts';

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
): ReadonlyMap<string, readonly Wire[]> {
  const wires = new Map<string, readonly Wire[]>();
  for (const [pin, wire] of Object.entries(interrupts ?? {})) {
    if (wire === undefined) continue;
    const several = [wire].flat() as readonly Wire[];
    wires.set(pin, several);
    for (const problem of several.flatMap(problemsOf)) report('unknown-interrupt-line', `pin '${pin}': ${problem}`);
  }
  for (const { name, wires: wiring, value, isGiven } of options) {
    if (wiring === undefined || value === undefined) continue;
    const { pin, to } = wiring;
    if (!wires.has(pin)) wires.set(pin, [to(value) as Wire]);
    else if (isGiven)
      report('wired-twice', `option '${name}' and interrupts: both say where pin '${pin}' goes. Keep one of them.`);
  }
  return wires;
}

/** What the inputs of one device follow; a list for an array of inputs is one signal for each. */
export function signalsOf(
  { inputs }: UsedDevice,
  report: (code: string, what: string) => void,
): ReadonlyMap<string, Signal> {
  const signals = Object.entries(inputs ?? {}).flatMap(([name, given]): [string, Signal][] => {
    if (given === undefined) return [];
    if (!isList(given)) return [[name, given]];
    return given.flatMap((signal, index) => (signal === undefined ? [] : [[`${name}[${index}]`, signal]]));
  });
  for (const [name, signal] of signals)
    for (const problem of problemsOf(signal)) report('unknown-interrupt-line', `input '${name}': ${problem}`);
  return new Map(signals);
}

const isList = <T extends object>(value: T | readonly (T | undefined)[]): value is readonly (T | undefined)[] =>
  Array.isArray(value);

function problemsOf(signal: Signal): string[] {
  return endsOf(signal).flatMap((end) => ('problem' in end && end.problem !== undefined ? [end.problem] : []));
}

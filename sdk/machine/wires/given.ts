import { isPlainObject, shown } from '../given-values.ts';

// What files that no compiler has checked may give as wires.

type Report = (code: string, what: string) => void;

/** A wire to a service, to a pin of another device, or a gate: all describe themselves. */
export const isWireEnd = (wire: unknown): boolean => isPlainObject(wire) && typeof wire['description'] === 'string';

export function checkGivenOutputs(interrupts: unknown, report: Report): void {
  if (!isPlainObject(interrupts)) {
    const line = typeof interrupts === 'number' ? interrupts : 8;
    const example = `interrupts: { irq: pin('pic', 'line[${line}]') }`;
    report('not-a-wire', `interrupts: is ${shown(interrupts)}. Name the pin: ${example}.`);
    return;
  }
  for (const [pin, given] of Object.entries(interrupts)) {
    for (const wire of [given].flat()) {
      if (wire === undefined) continue;
      const isGate = isPlainObject(wire) && wire['kind'] !== undefined && isWireEnd(wire);
      if (isGate)
        report(
          'gate-at-output',
          `pin '${pin}' leads to a gate. Write the gate among the inputs of the device at the other end.`,
        );
      if (isWireEnd(wire)) continue;
      const remedy = typeof wire === 'number' ? `pin('pic', 'line[${wire}]')` : 'pin(device, name)';
      report(
        'not-a-wire',
        `pin '${pin}' is wired to ${shown(wire)}, which is no wire. Write ${remedy}, or a line of a bus.`,
      );
    }
  }
}

export function checkGivenInputs(inputs: unknown, report: Report): void {
  if (!isPlainObject(inputs)) {
    report('not-a-wire', `inputs: is ${shown(inputs)}. Name the pin: inputs: { hold: pin('gpio', 'line[3]') }.`);
    return;
  }
  for (const [pin, given] of Object.entries(inputs)) {
    for (const signal of [given].flat()) {
      if (signal === undefined || isWireEnd(signal)) continue;
      report(
        'not-a-wire',
        `input '${pin}' follows ${shown(signal)}, which is no wire. Write pin(device, name), or a gate.`,
      );
    }
  }
}

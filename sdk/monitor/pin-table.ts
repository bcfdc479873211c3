import { commandLineName, type DocumentTable, type InputDeclaration, type OptionSet } from '../device/index.ts';
import { code } from './register-tables.ts';

/** The pins of a device: outputs, inputs, and lines of a bus that it receives. `notes` say where outputs of its base class go. */
export function pinTable(
  { pins = [], inputs: wires = [] }: { readonly pins?: readonly string[]; readonly inputs?: readonly string[] },
  declared: readonly InputDeclaration[],
  { declarations }: OptionSet,
  notes: Readonly<Record<string, string>>,
): DocumentTable {
  const outputs = pins.flatMap((pin) => {
    const wired = Object.entries(declarations).find(([, { wires }]) => wires?.pin === pin);
    const where = notes[pin] ?? (wired === undefined ? 'where the machine wires it' : wiredBy(...wired));
    return where === '' ? [] : [[code(pin), 'output', where]];
  });
  const inputs = declared.map(({ method, count, unconnected, description = '' }) => {
    const name = count === undefined ? method : `${method}[0]\` to \`${method}[${count - 1}]`;
    const idle = unconnected ? 'high while no wire leads to it' : '';
    return [code(name), 'input', [description, idle].filter((one) => one !== '').join('; ')];
  });
  const rows = [...outputs, ...inputs, ...wires.map((wire) => [wire, 'input', ''])];
  const heading = inputs.length === 0 ? 'Interrupts' : 'Pins';
  return { heading, columns: ['pin', 'direction', 'where'], rows };
}

function wiredBy(name: string, { wires, default: line }: OptionSet['declarations'][string]): string {
  const by = `option ${code(commandLineName(name))} says`;
  return typeof line === 'number' && wires !== undefined
    ? `${wires.to(line).description}, or what ${by}`
    : `what ${by}`;
}

/** An input pin as data. */
export const factsOfInput = ({ method, count, unconnected, description }: InputDeclaration): object => ({
  name: method,
  ...(count === undefined ? {} : { count }),
  unconnected: unconnected ? 'high' : 'low',
  ...(description === undefined ? {} : { description }),
});

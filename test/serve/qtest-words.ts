/** Accesses of a guest as commands of qtest. Without a value it is a read. */

type Value = number | bigint;

/** The slot of the served device. */
export const Slot = 5;

const letter = (size: 1 | 2 | 4 | 8): string => ({ 1: 'b', 2: 'w', 4: 'l', 8: 'q' })[size];
const hexadecimal = (value: Value): string => `0x${value.toString(16)}`;

export const portCommand = (port: number, size: 1 | 2 | 4, value?: Value): string =>
  `${value === undefined ? 'in' : 'out'}${letter(size)} ${hexadecimal(port)}${written(value)}`;

export const memoryCommand = (address: number, size: 1 | 2 | 4 | 8, value?: Value): string =>
  `${value === undefined ? 'read' : 'write'}${letter(size)} ${hexadecimal(address)}${written(value)}`;

/** By the configuration ports of a PC: the register is selected, and its data is accessed. The answer is that of the second. */
export const configCommands = (offset: number, size: 1 | 2 | 4, value?: Value, slot = Slot): [string, string] => [
  portCommand(0xcf8, 4, (0x8000_0000 | (slot << 11) | (offset & ~3)) >>> 0),
  portCommand(0xcfc + (offset & 3), size, value),
];

const written = (value: Value | undefined): string => (value === undefined ? '' : ` ${hexadecimal(value)}`);

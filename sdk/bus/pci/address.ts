/** Where a function is plugged on its bus. */
export interface PciAddress {
  readonly slot: number;
  readonly function: number;
}

/** Slots of a bus, and functions of a slot. */
export const Slots = 32;
export const Functions = 8;

/** `02.1`, slot in hex, as lspci and `addr=` write it. */
export function formatPciAddress({ slot, function: number }: PciAddress): string {
  return `${slot.toString(16).padStart(2, '0')}.${number}`;
}

/** `5`, `05.0`, `1f.3`; slot in hex. Undefined if it is not an address. */
export function parsePciAddress(text: string): PciAddress | undefined {
  const match = /^(?:0x)?([01]?[0-9a-f])(?:\.([0-7]))?$/i.exec(text);
  if (match === null) return undefined;
  return { slot: Number.parseInt(match[1] as string, 16), function: Number(match[2] ?? 0) };
}

/** The lowest slot without a function; undefined if there is none. */
export function emptySlot(taken: readonly PciAddress[]): number | undefined {
  const slots = new Set(taken.map(({ slot }) => slot));
  for (let slot = 0; slot < Slots; slot++) if (!slots.has(slot)) return slot;
  return undefined;
}

/** Which of the router's lines a slot's pin (0 is A) is wired to. */
export type PciPinWiring = (slot: number, pin: number) => number;

/** The wiring of a PC's board: neighbours in slot start at different lines, so that they rarely share one. */
export const pcPinWiring: PciPinWiring = (slot, pin) => (pin + slot - 1) & 3;

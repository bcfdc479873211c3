/** Where a function is plugged on its bus. */
export interface PciAddress {
  readonly slot: number;
  readonly function: number;
}

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

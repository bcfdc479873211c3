/** What an entry of the map means. @see ACPI specification, 15.1 "INT 15H, E820H", table of address range types */
export const E820Type = { Ram: 1, Reserved: 2 } as const;

/** A range of the guest's physical addresses. */
export interface E820Entry {
  readonly address: number;
  readonly size: number;
  readonly type: (typeof E820Type)[keyof typeof E820Type];
}

/** Bytes of an entry: address and size of 64 bits, and a type of 32. */
export const E820EntrySize = 20;
/** The last KiB of conventional memory is the BIOS's own. */
const EndOfConventional = 0x9_fc00;
const EndOfLowRam = 0xa_0000;
const SystemRom = 0xf_0000;
/** Where RAM goes on behind adapters and ROM. */
export const ExtendedMemory = 0x10_0000;

/** The map of a PC as its BIOS reports it: `ramSize` bytes from 0 on, without the hole of adapters and BIOS below 1 MiB. */
export function e820OfPc(ramSize: number): E820Entry[] {
  return [
    { address: 0, size: EndOfConventional, type: E820Type.Ram },
    { address: EndOfConventional, size: EndOfLowRam - EndOfConventional, type: E820Type.Reserved },
    { address: SystemRom, size: ExtendedMemory - SystemRom, type: E820Type.Reserved },
    { address: ExtendedMemory, size: ramSize - ExtendedMemory, type: E820Type.Ram },
  ];
}

/** The entries one behind the other, as INT 15H, Linux's boot_params and the file `etc/e820` of fw_cfg have them. */
export function e820Bytes(entries: readonly E820Entry[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(entries.length * E820EntrySize);
  const view = new DataView(bytes.buffer);
  entries.forEach(({ address, size, type }, index) => {
    const at = index * E820EntrySize;
    view.setBigUint64(at, BigInt(address), true);
    view.setBigUint64(at + 8, BigInt(size), true);
    view.setUint32(at + 16, type, true);
  });
  return bytes;
}

/** Whether all of a range is RAM by one entry. */
export const isRam = (map: readonly E820Entry[], start: number, size: number): boolean =>
  map.some((one) => one.type === E820Type.Ram && start >= one.address && start + size <= one.address + one.size);

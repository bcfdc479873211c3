import { BackplaneError, hex } from '../../sdk/index.ts';

/** @see QEMU 7.2, docs/specs/fw_cfg.txt, "Selector (Control) Register" and "Firmware Configuration Items" */
export const Key = {
  Signature: 0x00,
  Id: 0x01,
  Directory: 0x19,
  FirstFile: 0x20,
  /** Items of the architecture: a table of their own. */
  Architecture: 0x8000,
} as const;

/** The device answers for the traditional ports and for DMA. */
const Interfaces = 0x03;
/** The directory has room for so many files. @see QEMU 7.2, hw/nvram/fw_cfg.c, FW_CFG_FILE_SLOTS_DFLT */
const FileSlots = 0x20;
const EndOfKeys = Key.FirstFile + FileSlots;
/** Bit 14 is the write channel of old versions. It selects nothing. */
const NumberOfKey = 0x3fff;
const LongestName = 55;
const EntryBytes = 64;
const taken: readonly number[] = [Key.Signature, Key.Id, Key.Directory];

interface ConfigurationFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What the machine tells its firmware: items by key, and files by name, which have the keys from 0x20 on in order of their names. */
export class ConfigurationItems {
  /** Index: the number of the key, and `EndOfKeys` more for an item of the architecture. */
  readonly #items: (Uint8Array | undefined)[] = new Array(2 * EndOfKeys).fill(undefined);
  readonly #files: ConfigurationFile[] = [];

  constructor(private readonly where: () => string) {
    this.#items[Key.Signature] = ascii('QEMU');
    this.#items[Key.Id] = Uint8Array.of(Interfaces, 0, 0, 0);
    this.#layOutFiles();
  }

  /** The bytes behind a key as the guest selects it; undefined where there is no item. */
  at(key: number): Uint8Array | undefined {
    const number = key & NumberOfKey;
    if (number >= EndOfKeys) return undefined;
    return this.#items[number + (key >= Key.Architecture ? EndOfKeys : 0)];
  }

  add(key: number, bytes: Uint8Array): void {
    const isOfMachine = Number.isInteger(key) && key >= 0 && key < Key.FirstFile && !taken.includes(key);
    const isOfArchitecture = Number.isInteger(key) && key >= Key.Architecture && key < Key.Architecture + EndOfKeys;
    if (!isOfMachine && !isOfArchitecture) {
      const range = `0x02 to 0x1f but 0x19, or 0x8000 to ${hex(Key.Architecture + EndOfKeys - 1)}`;
      this.#refuse(`${Number.isInteger(key) ? hex(key) : key} is no key for an item. Use ${range}.`);
    }
    if (this.at(key) !== undefined) this.#refuse(`there is an item ${hex(key)} already. Add it once.`);
    this.#items[(key & NumberOfKey) + (isOfArchitecture ? EndOfKeys : 0)] = bytes;
  }

  addFile(name: string, bytes: Uint8Array): void {
    if (!/^[\x21-\x7e]+$/.test(name) || name.length > LongestName)
      this.#refuse(`'${name}' is no name for a file. Use 1 to ${LongestName} printable ASCII characters.`);
    if (this.#files.some((file) => file.name === name)) this.#refuse(`there is a file '${name}' already. Add it once.`);
    if (this.#files.length === FileSlots)
      this.#refuse(`no room for '${name}': the directory holds ${FileSlots} files. Leave one out.`);
    this.#files.push({ name, bytes });
    this.#files.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#layOutFiles();
  }

  /** @see QEMU 7.2, docs/specs/fw_cfg.txt, "File Directory": numbers are big-endian, names end with a zero */
  #layOutFiles(): void {
    const directory = new Uint8Array(4 + FileSlots * EntryBytes);
    const view = new DataView(directory.buffer);
    view.setUint32(0, this.#files.length);
    for (const [index, { name, bytes }] of this.#files.entries()) {
      const at = 4 + index * EntryBytes;
      view.setUint32(at, bytes.length);
      view.setUint16(at + 4, Key.FirstFile + index);
      directory.set(ascii(name), at + 8);
      this.#items[Key.FirstFile + index] = bytes;
    }
    this.#items[Key.Directory] = directory;
  }

  #refuse(why: string): never {
    throw new BackplaneError('fw-cfg-refused', `Device '${this.where()}': ${why}`);
  }
}

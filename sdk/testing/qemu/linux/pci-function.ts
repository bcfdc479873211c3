import { BackplaneError } from '../../../base/errors.ts';
import { count, hex } from '../../../base/text.ts';

/** Runs a command of the guest, which has to succeed, and answers what it printed. */
export type GuestRun = (line: string) => Promise<string>;

interface Resource {
  readonly start: bigint;
  readonly size: bigint;
  readonly isPort: boolean;
}

/** Printed where the function cannot be enabled. */
const Refused = 'refused';
/** @see include/linux/ioport.h, IORESOURCE_IO */
const PortFlag = 0x100n;

/** A PCI function as Linux shows it: its folder in `/sys`, and its resources through `/dev/mem`. */
export class GuestPciFunction {
  #resources: Promise<readonly Resource[]> | undefined;

  constructor(
    /** `0000:00:10.0`. */
    readonly address: string,
    private readonly run: GuestRun,
  ) {}

  get folder(): string {
    return `/sys/bus/pci/devices/${this.address}`;
  }

  /** Waits until Linux has found it and asked its drivers. A scan of the bus waits for the plug that is under way. */
  async appeared(): Promise<void> {
    await this.run(`until [ -e ${this.folder} ]; do sleep 0.02; done; echo 1 >/sys/bus/pci/rescan`);
  }

  /** A driver that probes asynchronously has a second to begin. @see include/linux/device/driver.h, PROBE_PREFER_ASYNCHRONOUS */
  async hasDriver(): Promise<boolean> {
    const bound = `[ -e ${this.folder}/driver ]`;
    const answer = await this.run(`for time in $(seq 20); do ${bound} && echo yes && break; sleep 0.05; done`);
    return answer.trim() === 'yes';
  }

  async identification(): Promise<{ readonly vendor: number; readonly device: number }> {
    const [vendor = 0, device = 0] = (await this.run(`cat ${this.folder}/vendor ${this.folder}/device`))
      .trim()
      .split('\n')
      .map(Number);
    return { vendor, device };
  }

  bar(index: number): GuestBar {
    return new GuestBar(index, `${this.folder}/resource${index}`, () => this.#resource(index), this.run);
  }

  async #resource(index: number): Promise<Resource> {
    this.#resources ??= this.#readResources();
    const resource = (await this.#resources)[index];
    if (resource !== undefined && resource.size > 0n) return resource;
    throw new BackplaneError(
      'guest-bar',
      `Guest: the function at ${this.address} has no BAR ${index}, or Linux has not placed it. Look at guest.dmesg().`,
    );
  }

  /**
   * Where no driver has the function, its memory and ports are disabled. Where one has it, only that may enable them.
   * @see Documentation/PCI/sysfs-pci.rst, "enable"
   */
  async #readResources(): Promise<readonly Resource[]> {
    const enable = `${this.folder}/enable`;
    const enabled = `[ $(cat ${enable}) -gt 0 ] || { echo 1 >${enable}; } 2>/dev/null`;
    const text = await this.run(`${enabled} || { echo ${Refused}; exit 0; }; cat ${this.folder}/resource`);
    if (text.trim() === Refused)
      throw new BackplaneError(
        'guest-bar',
        `Guest: the memory and ports of the function at ${this.address} are disabled. Call pci_enable_device() in probe() of its driver.`,
      );
    return text
      .trim()
      .split('\n')
      .map((line) => {
        const [start = 0n, last = 0n, flags = 0n] = line.split(' ').map(BigInt);
        return { start, size: flags === 0n ? 0n : last - start + 1n, isPort: (flags & PortFlag) !== 0n };
      });
  }
}

/**
 * A BAR of the device, as the processor of the guest reaches it: memory through `/dev/mem`, ports through the resource's file in
 * `/sys`. Each access is one instruction of its width. Offsets are in bytes, and aligned to the width.
 */
export class GuestBar {
  /** @internal */
  constructor(
    readonly index: number,
    private readonly file: string,
    private readonly resource: () => Promise<Resource>,
    private readonly run: GuestRun,
  ) {}

  /** Answers 0 to 0xff. */
  async read8(offset: number): Promise<number> {
    return Number(await this.#read(offset, 1));
  }

  async read16(offset: number): Promise<number> {
    return Number(await this.#read(offset, 2));
  }

  async read32(offset: number): Promise<number> {
    return Number(await this.#read(offset, 4));
  }

  /** Not for ports. */
  async read64(offset: number): Promise<bigint> {
    return this.#read(offset, 8);
  }

  async write8(offset: number, value: number): Promise<void> {
    await this.#write(offset, 1, BigInt(value));
  }

  async write16(offset: number, value: number): Promise<void> {
    await this.#write(offset, 2, BigInt(value));
  }

  async write32(offset: number, value: number): Promise<void> {
    await this.#write(offset, 4, BigInt(value));
  }

  /** Not for ports. */
  async write64(offset: number, value: bigint): Promise<void> {
    await this.#write(offset, 8, value);
  }

  async #read(offset: number, width: number): Promise<bigint> {
    const { start, isPort } = await this.#checked(offset, width);
    if (!isPort) return BigInt((await this.run(`devmem ${hex(start + BigInt(offset))} ${8 * width}`)).trim());
    const element = offset / width;
    const text = await this.run(
      `dd if=${this.file} bs=${width} skip=${element} count=1 2>/dev/null | hexdump -v -e '1/${width} "0x%x"'`,
    );
    return BigInt(text.trim());
  }

  async #write(offset: number, width: number, value: bigint): Promise<void> {
    const { start, isPort } = await this.#checked(offset, width);
    const limit = 1n << BigInt(8 * width);
    if (value < 0n || value >= limit)
      throw new BackplaneError('guest-bar', `Guest: BAR ${this.index}: ${value} does not fit into ${8 * width} bits.`);
    if (!isPort) {
      await this.run(`devmem ${hex(start + BigInt(offset))} ${8 * width} ${hex(value)}`);
      return;
    }
    const bytes = Array.from({ length: width }, (_, index) => Number((value >> BigInt(8 * index)) & 0xffn));
    const escaped = bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    await this.run(
      `printf '${escaped}' | dd of=${this.file} bs=${width} seek=${offset / width} conv=notrunc 2>/dev/null`,
    );
  }

  async #checked(offset: number, width: number): Promise<Resource> {
    const resource = await this.resource();
    const refuse = (why: string): never => {
      throw new BackplaneError(
        'guest-bar',
        `Guest: BAR ${this.index}, offset ${String(offset)}, ${8 * width} bits: ${why}.`,
      );
    };
    if (!Number.isSafeInteger(offset) || offset < 0) refuse('an offset is a whole number of bytes');
    if (offset % width !== 0) refuse(`the offset is no multiple of ${width}`);
    if (BigInt(offset + width) > resource.size) refuse(`the BAR has ${count(Number(resource.size))} bytes`);
    if (resource.isPort && width > 4) refuse('ports have at most 32 bits');
    return resource;
  }
}

/** A line of the guest's `/proc/interrupts`. */
export interface InterruptLine {
  /** Linux's number of it: `24`; or `NMI`, `LOC`... */
  readonly irq: string;
  /** How often it came, on all processors. */
  readonly count: number;
  /** Its controller, its way and the drivers that have it: `PCI-MSIX-0000:00:10.0 0-edge virtio0-config`. */
  readonly text: string;
}

/** The lines whose text has this name in it. @see proc_interrupts(5) */
export function interruptLines(table: string, name: string): InterruptLine[] {
  return table.split('\n').flatMap((line) => {
    const [, irq, rest] = /^\s*(\w+):\s*(.*)$/.exec(line) ?? [];
    if (irq === undefined || rest === undefined) return [];
    const counts = /^(\d+\s+)*/.exec(`${rest} `)?.[0] ?? '';
    const text = rest.slice(counts.length).replace(/\s+/g, ' ').trim();
    const numbers = counts.trim() === '' ? [] : counts.trim().split(/\s+/).map(Number);
    return text.includes(name) ? [{ irq, count: numbers.reduce((sum, one) => sum + one, 0), text }] : [];
  });
}

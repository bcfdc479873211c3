import type { LinuxGuest } from '../../sdk/testing/qemu/index.ts';

/** The device's configuration space, through its file in /sys. @see Documentation/PCI/sysfs-pci.rst, "config" */
export class GuestConfigSpace {
  private readonly file: string;

  constructor(private readonly guest: LinuxGuest) {
    this.file = `/sys/bus/pci/devices/${guest.address}/config`;
  }

  async read8(offset: number): Promise<number> {
    const { output } = await this.guest.run(
      `dd if=${this.file} bs=1 skip=${offset} count=1 2>/dev/null | hexdump -v -e '1/1 "%u"'`,
    );
    return Number(output);
  }

  /** Little endian, in one access of as many bytes as there are: 1, 2 or 4. */
  async write(offset: number, ...bytes: number[]): Promise<void> {
    const escaped = bytes.map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    const element = offset / bytes.length;
    await this.guest.run(
      `printf '${escaped}' | dd of=${this.file} bs=${bytes.length} seek=${element} conv=notrunc 2>/dev/null`,
    );
  }

  /** The offset of a capability. @see PCI Local Bus Specification 3.0, section 6.7 */
  async capability(id: number): Promise<number> {
    for (let at = await this.read8(0x34); at !== 0; at = await this.read8(at + 1)) {
      if ((await this.read8(at)) === id) return at;
    }
    throw new Error(`the device has no capability ${id}`);
  }
}

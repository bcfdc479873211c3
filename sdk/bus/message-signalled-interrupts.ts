import type { DeviceClass } from '../device/index.ts';
import type { BusMaster } from './bus-master.ts';
import { capability, PciCapabilityId } from './pci-capabilities.ts';
import type { PciConfigSpace } from './pci-config-space.ts';
import type { PciDevice } from './pci-device.ts';

const Field = { Control: 2, Address: 4, AddressHigh: 8, Data32Bit: 8, Data64Bit: 12 } as const;
const Control = { Enable: 0x01, MultipleMessageEnable: 0x70, Is64Bit: 0x80 } as const;
const AlignedAddress = [0xfc, 0xff, 0xff, 0xff] as const;

export interface MsiSpec {
  /** The message address may lie above 4 GiB. Default: true. */
  readonly is64Bit?: boolean;
  /** Where the capability is in configuration space. Default: the first free place. */
  readonly offset?: number;
}

/**
 * The function can interrupt by a message, if the guest asks for that, instead of its pin: one vector. Extend the class
 * from PciDevice and call `sendMessage()` where the pin would go up.
 */
export function msi({ is64Bit = true, offset }: MsiSpec = {}) {
  const addressBytes = is64Bit ? 8 : 4;
  return (deviceClass: DeviceClass<PciDevice>): void =>
    capability({
      id: PciCapabilityId.Msi,
      ...(offset === undefined ? {} : { offset }),
      contents: [is64Bit ? Control.Is64Bit : 0, 0, ...new Array<number>(addressBytes).fill(0), 0, 0],
      writable: [
        Control.Enable | Control.MultipleMessageEnable,
        0,
        ...AlignedAddress,
        ...new Array<number>(addressBytes - AlignedAddress.length).fill(0xff),
        0xff,
        0xff,
      ],
    })(deviceClass);
}

/**
 * Message-signalled interrupts of one function. A message is a 32-bit write by the function as bus master, to the address
 * that the guest chose, and nothing else: whatever the machine has mapped there receives it. On a PC that is the window of
 * the local APICs; on a machine without one the guest may name RAM and find its messages there.
 */
export class MessageSignalledInterrupts {
  /** Hears of each message that is sent: not of those that the guest prevents by not letting the function be a bus master. */
  observer: ((address: bigint, data: number) => void) | undefined;
  private readonly bytes = new Uint8Array(4);

  constructor(
    private readonly config: PciConfigSpace,
    private readonly offset: number | undefined,
    private readonly port: BusMaster,
  ) {}

  /** The guest wants messages; the pin stays down meanwhile. */
  get enabled(): boolean {
    return this.offset !== undefined && (this.config.get(this.offset + Field.Control, 1) & Control.Enable) !== 0;
  }

  /** A guest that enables more vectors than the one there is gets one. */
  limitVectors(): void {
    if (!this.enabled || this.offset === undefined) return;
    const at = this.offset + Field.Control;
    this.config.set(at, this.config.get(at, 1) & ~Control.MultipleMessageEnable, 1);
  }

  /** The write that a message is now. */
  get message(): { readonly address: bigint; readonly data: number } {
    const { config, offset = 0 } = this;
    const is64Bit = (config.get(offset + Field.Control, 1) & Control.Is64Bit) !== 0;
    const high = is64Bit ? config.get(offset + Field.AddressHigh, 4) : 0;
    const data = config.get(offset + (is64Bit ? Field.Data64Bit : Field.Data32Bit), 2);
    return { address: (BigInt(high) << 32n) | BigInt(config.get(offset + Field.Address, 4)), data };
  }

  /** Sends it if messages are enabled. It is lost without an error where nobody receives it, or if the function is no master. */
  send(): boolean {
    if (!this.enabled) return false;
    const { address, data } = this.message;
    this.bytes[0] = data & 0xff;
    this.bytes[1] = data >>> 8;
    if (this.port.enabled) this.observer?.(address, data);
    this.port.write(address, this.bytes);
    return true;
  }
}

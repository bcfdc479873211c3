import { type I2cBus, SmbusError, type SmbusHost } from '../../sdk/i2c.ts';
import { Protocol } from './registers.ts';

/** What a transfer of at most two bytes each way is made of. */
export interface ShortTransfer {
  readonly protocol: number;
  readonly target: number;
  readonly reads: boolean;
  readonly command: number;
  readonly word: number;
}

/** Answers the byte or word that was read, or 0, or one of `SmbusError`. */
export function shortTransfer(host: SmbusHost, { protocol, target, reads, command, word }: ShortTransfer): number {
  switch (protocol) {
    case Protocol.quick:
      return host.quick(target, reads ? 'read' : 'write');
    case Protocol.byte:
      return reads ? host.receiveByte(target) : host.sendByte(target, command);
    case Protocol.byteData:
      return reads ? host.readByte(target, command) : host.writeByte(target, command, word & 0xff);
    case Protocol.wordData:
      return reads ? host.readWord(target, command) : host.writeWord(target, command, word);
    default:
      return host.processCall(target, command, word);
  }
}

/** How many bytes such a transfer brings. */
export function bytesRead({ protocol, reads }: ShortTransfer): number {
  if (protocol === Protocol.processCall) return 2;
  if (!reads || protocol === Protocol.quick) return 0;
  return protocol === Protocol.wordData ? 2 : 1;
}

/** A block without the byte that counts it, as on I2C. */
export function writeUncounted(bus: I2cBus, target: number, command: number, bytes: Uint8Array): number {
  const isThere = bus.start(target, 'write') && bus.write(command) && bytes.every((byte) => bus.write(byte));
  bus.stop();
  return isThere ? bytes.length : SmbusError.NoAcknowledge;
}

/** As many bytes as fit, which neither a command nor a count precedes. */
export function readUncounted(bus: I2cBus, target: number, bytes: Uint8Array): number {
  const isThere = bus.start(target, 'read');
  for (let at = 0; isThere && at < bytes.length; at++) bytes[at] = bus.read(at < bytes.length - 1);
  bus.stop();
  return isThere ? bytes.length : SmbusError.NoAcknowledge;
}

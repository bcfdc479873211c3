import { bit, bits, portRegion, reserved, undocumented } from '../../sdk/index.ts';
import { configRegisters } from '../../sdk/pci.ts';

/** @see Intel ICH9 Family datasheet, order number 316972, "SMBus I/O and Memory Mapped I/O Registers" */
export const Offset = {
  Status: 0x00,
  Control: 0x02,
  Command: 0x03,
  Address: 0x04,
  Data0: 0x05,
  Data1: 0x06,
  BlockData: 0x07,
  PacketError: 0x08,
  AuxiliaryStatus: 0x0c,
  AuxiliaryControl: 0x0d,
} as const;
const HostConfiguration = 0x40;
/** Bytes of the buffer, and the longest block. */
export const BlockSize = 32;

export const ports = portRegion({ name: 'ich9-smbus', size: 64, implements: { max: 1 } });

export const status = ports.register(Offset.Status, {
  width: 8,
  description: 'HST_STS',
  fields: {
    busy: bit(0, 'read-only', { description: 'a transfer is under way' }),
    done: bit(1, 'write-one-to-clear', { description: 'INTR: it has ended well' }),
    deviceError: bit(2, 'write-one-to-clear', { description: 'no acknowledge, or a block of no valid length' }),
    busError: bit(3, 'constant', { description: 'another controller has won the bus: here, never' }),
    failed: bit(4, 'write-one-to-clear', { description: 'it was killed' }),
    targetRequest: bit(5, 'constant', { description: 'SMBALERT#: no target has it' }),
    inUse: bit(6, 'constant', { description: 'INUSE_STS: not modelled' }),
    byteDone: bit(7, 'write-one-to-clear', { description: 'a byte of a block can be taken or given' }),
  },
});
export const Status = status.fields;

export const control = ports.register(Offset.Control, {
  width: 8,
  description: 'HST_CNT; reading it begins the buffer anew',
  fields: {
    interruptEnable: bit(0),
    kill: bit(1),
    protocol: bits(2, 4, 'read-write', {
      values: { quick: 0, byte: 1, byteData: 2, wordData: 3, processCall: 4, block: 5, i2cRead: 6, blockProcess: 7 },
    }),
    lastByte: bit(5, 'write-only', { description: 'the next byte of a read is the last one' }),
    start: bit(6, 'write-only'),
    packetError: bit(7, 'read-write', { description: 'PEC_EN: the message ends with a packet error code' }),
  },
});
export const Protocol = control.fields.protocol.values;

export const address = ports.register(Offset.Address, {
  width: 8,
  description: 'XMIT_SLVA',
  fields: { read: bit(0), address: bits(1, 7) },
});
export const blockData = ports.register(Offset.BlockData, { width: 8, description: 'HOST_BLOCK_DB' });
export const auxiliaryControl = ports.register(Offset.AuxiliaryControl, {
  width: 8,
  description: 'AUX_CTL',
  fields: {
    automaticPacketError: bit(0, 'read-write', { description: 'AAC: the code is made and checked here' }),
    buffer: bit(1, 'read-write', { description: 'E32B: blocks go through the buffer of 32 bytes' }),
    unused: reserved([2, 7]),
  },
});
export const auxiliaryStatus = ports.register(Offset.AuxiliaryStatus, {
  width: 8,
  description: 'AUX_STS',
  fields: { packetError: bit(0, 'write-one-to-clear'), unused: reserved([1, 7]) },
});
export const hostConfiguration = configRegisters.register(HostConfiguration, {
  width: 8,
  atReset: 'set-by-device',
  description: 'HOSTC',
  fields: {
    enable: bit(0, 'read-write', { description: 'HST_EN: the ports answer' }),
    smi: bit(1, 'unimplemented', { description: 'interrupts are SMIs' }),
    i2c: bit(2, 'read-write', { description: 'I2C_EN: blocks have no byte that counts them' }),
    reset: bit(3, 'write-only', { description: 'SSRESET: ends what is under way' }),
    unused: undocumented([4, 7]),
  },
});

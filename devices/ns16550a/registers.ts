import { bit, bits, indexedRegisters, portRegion, reserved } from '../../sdk/index.ts';

const Offset = {
  Data: 0,
  InterruptEnable: 1,
  Fifo: 2,
  Line: 3,
  Modem: 4,
  LineStatus: 5,
  ModemStatus: 6,
  Scratch: 7,
} as const;
/** Registers, a byte each. */
export const Registers = 8;

/** @see National PC16550D datasheet, 8.0 "Registers" */
export const serialPorts = portRegion({
  ...{ name: 'serial', size: Registers },
  ...{ accepts: { min: 1, max: 4 }, implements: { min: 1, max: 1 } },
});

export const lineControl = serialPorts.register(Offset.Line, {
  width: 8,
  description: 'LCR',
  fields: {
    wordLength: bits(0, 1, 'read-write', { values: { Five: 0, Six: 1, Seven: 2, Eight: 3 } }),
    moreStopBits: bit(2, 'read-write', { description: 'two stop bits, or one and a half with words of five bits' }),
    parityEnable: bit(3, 'read-write', { description: 'a frame has a bit more' }),
    parity: bits(4, 5, 'read-write', { values: { Odd: 0, Even: 1, Mark: 2, Space: 3 } }),
    break: bit(6, 'unimplemented'),
    divisorLatch: bit(7, 'read-write', { description: 'DLAB: the first two places are the divisor' }),
  },
});
const first = indexedRegisters({ index: lineControl, field: 'divisorLatch', data: Offset.Data });
const second = indexedRegisters({ index: lineControl, field: 'divisorLatch', data: Offset.InterruptEnable });
export const received = first.register(0, { width: 8, access: 'read-only', description: 'RBR' });
export const sent = first.register(0, { width: 8, access: 'trigger', description: 'THR' });
/** A reset leaves the divisor alone. At power-on it is that of 9600 baud, as in QEMU. */
const divisor = { width: 8, atReset: 'kept' } as const;
export const divisorLow = first.register(1, { ...divisor, reset: 12, description: 'DLL' });
export const divisorHigh = second.register(1, { ...divisor, description: 'DLM' });
export const interruptEnable = second.register(0, {
  width: 8,
  description: 'IER',
  fields: {
    received: bit(0),
    transmitterEmpty: bit(1),
    lineStatus: bit(2),
    modemStatus: bit(3),
    none: bits(4, 7, 'constant'),
  },
});
export const identification = serialPorts.register(Offset.Fifo, {
  width: 8,
  description: 'IIR',
  fields: {
    cause: bits(0, 3, 'read-only', {
      values: { None: 1, LineStatus: 6, Received: 4, TimeOut: 12, TransmitterEmpty: 2, ModemStatus: 0 },
    }),
    none: bits(4, 5, 'constant'),
    fifos: bits(6, 7, 'read-only', { description: 'ones while the FIFOs are enabled' }),
  },
});
export const fifoControl = serialPorts.register(Offset.Fifo, {
  width: 8,
  description: 'FCR',
  fields: {
    enable: bit(0, 'write-only', { description: 'the other bits are taken only with this one' }),
    clearReceive: bit(1, 'write-only'),
    clearTransmit: bit(2, 'write-only'),
    dmaMode: bit(3, 'unimplemented'),
    none: reserved([4, 5]),
    trigger: bits(6, 7, 'write-only', { values: { One: 0, Four: 1, Eight: 2, Fourteen: 3 } }),
  },
});
export const modemControl = serialPorts.register(Offset.Modem, {
  width: 8,
  description: 'MCR',
  fields: { dtr: bit(0), rts: bit(1), out1: bit(2), out2: bit(3), loop: bit(4), none: bits(5, 7, 'constant') },
});
export const lineStatus = serialPorts.register(Offset.LineStatus, {
  width: 8,
  description: 'LSR',
  fields: {
    dataReady: bit(0, 'read-only'),
    overrunError: bit(1, 'read-only'),
    parityError: bit(2, 'constant'),
    framingError: bit(3, 'constant'),
    breakInterrupt: bit(4, 'read-only', { description: 'the next character is a break' }),
    transmitterHoldingEmpty: bit(5, 'read-only', { description: 'THRE' }),
    transmitterEmpty: bit(6, 'read-only', { description: 'TEMT: nothing is on the line either' }),
    errorInFifo: bit(7, 'read-only'),
  },
});
export const modemStatus = serialPorts.register(Offset.ModemStatus, {
  width: 8,
  description: 'MSR',
  fields: {
    deltaCts: bit(0, 'read-only'),
    deltaDsr: bit(1, 'read-only'),
    trailingEdgeRi: bit(2, 'read-only'),
    deltaDcd: bit(3, 'read-only'),
    cts: bit(4, 'read-only'),
    dsr: bit(5, 'read-only'),
    ri: bit(6, 'read-only'),
    dcd: bit(7, 'read-only'),
  },
});
export const scratch = serialPorts.register(Offset.Scratch, { width: 8, atReset: 'kept', description: 'SCR' });

export const Enable = { Received: 0x01, TransmitterEmpty: 0x02, LineStatus: 0x04, ModemStatus: 0x08 } as const;
export const Cause = identification.fields.cause.values;
/** Of the line status. */
export const Status = {
  DataReady: 0x01,
  Overrun: 0x02,
  Break: 0x10,
  HoldingEmpty: 0x20,
  TransmitterEmpty: 0x40,
  ErrorInFifo: 0x80,
} as const;
export const Modem = { Dtr: 0x01, Rts: 0x02, Out1: 0x04, Out2: 0x08, Loop: 0x10 } as const;
export const Fifos = { Enable: 0x01, ClearReceive: 0x02, ClearTransmit: 0x04, ClearBoth: 0x06, Kept: 0xc9 } as const;

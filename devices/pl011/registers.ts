import { bit, bits, mmioRegion, reserved } from '../../sdk/index.ts';

const Offset = {
  ...{ Data: 0x000, ErrorClear: 0x004, Flags: 0x018, LowPower: 0x020, IntegerBaud: 0x024, FractionalBaud: 0x028 },
  ...{ LineControl: 0x02c, Control: 0x030, FifoLevel: 0x034, Mask: 0x038, RawStatus: 0x03c, MaskedStatus: 0x040 },
  ...{ Clear: 0x044, DmaControl: 0x048, Identification: 0xfe0 },
} as const;

export const pl011Registers = mmioRegion({ name: 'pl011', size: 0x1000, accessSizes: [1, 2, 4] });
const readOnly = { width: 32, access: 'read-only' } as const;
const trigger = { width: 32, access: 'trigger' } as const;

/** @see Arm DDI 0183, 3.3.1 "Data Register, UARTDR" */
export const received = pl011Registers.register(Offset.Data, readOnly);
export const sent = pl011Registers.register(Offset.Data, trigger);
export const receiveStatus = pl011Registers.register(Offset.ErrorClear, {
  width: 32,
  fields: {
    framingError: bit(0, 'constant'),
    parityError: bit(1, 'constant'),
    breakError: bit(2, 'read-only', { description: 'of the character that was read last' }),
    overrunError: bit(3, 'read-only'),
    none: bits(4, 31, 'constant'),
  },
});
export const errorClear = pl011Registers.register(Offset.ErrorClear, { ...trigger, description: 'UARTECR' });
export const flags = pl011Registers.register(Offset.Flags, {
  width: 32,
  fields: {
    clearToSend: bit(0, 'read-only'),
    dataSetReady: bit(1, 'read-only'),
    dataCarrierDetect: bit(2, 'read-only'),
    busy: bit(3, 'read-only', { description: 'a character waits or is on the line' }),
    receiveEmpty: bit(4, 'read-only'),
    transmitFull: bit(5, 'read-only'),
    receiveFull: bit(6, 'read-only'),
    transmitEmpty: bit(7, 'read-only'),
    ringIndicator: bit(8, 'read-only'),
    none: bits(9, 31, 'constant'),
  },
});
export const lowPower = pl011Registers.register(Offset.LowPower, {
  width: 32,
  fields: { divisor: bits(0, 7, 'unimplemented', { description: 'of infrared' }), none: reserved([8, 31]) },
});
export const integerBaud = pl011Registers.register(Offset.IntegerBaud, {
  width: 32,
  fields: { divisor: bits(0, 15), none: reserved([16, 31]) },
});
export const fractionalBaud = pl011Registers.register(Offset.FractionalBaud, {
  width: 32,
  fields: { part: bits(0, 5, 'read-write', { description: '64ths of the divisor' }), none: reserved([6, 31]) },
});
export const lineControl = pl011Registers.register(Offset.LineControl, {
  width: 32,
  fields: {
    break: bit(0, 'unimplemented'),
    parityEnable: bit(1, 'read-write', { description: 'a frame has a bit more' }),
    evenParity: bit(2),
    twoStopBits: bit(3),
    fifoEnable: bit(4),
    wordLength: bits(5, 6, 'read-write', { values: { Five: 0, Six: 1, Seven: 2, Eight: 3 } }),
    stickParity: bit(7),
    none: reserved([8, 31]),
  },
});
export const control = pl011Registers.register(Offset.Control, {
  width: 32,
  reset: 0x300,
  fields: {
    enable: bit(0),
    infrared: bit(1, 'unimplemented'),
    lowPower: bit(2, 'unimplemented'),
    none: reserved([3, 6]),
    loopBack: bit(7),
    transmitEnable: bit(8),
    receiveEnable: bit(9),
    dtr: bit(10),
    rts: bit(11),
    out1: bit(12),
    out2: bit(13),
    rtsFlowControl: bit(14, 'read-write', { description: 'RTS says that the receiver has room' }),
    ctsFlowControl: bit(15, 'read-write', { description: 'it sends only while CTS is asserted' }),
    rest: reserved([16, 31]),
  },
});
/** @see Arm DDI 0183, 3.3.9 "Interrupt FIFO Level Select Register, UARTIFLS" */
const levels = { Eighth: 0, Quarter: 1, Half: 2, ThreeQuarters: 3, SevenEighths: 4 } as const;
export const fifoLevel = pl011Registers.register(Offset.FifoLevel, {
  width: 32,
  reset: 0x12,
  fields: {
    transmit: bits(0, 2, 'read-write', { values: levels }),
    receive: bits(3, 5, 'read-write', { values: levels }),
    none: reserved([6, 31]),
  },
});
export const mask = pl011Registers.register(Offset.Mask, {
  width: 32,
  fields: {
    ...{ ri: bit(0), cts: bit(1), dcd: bit(2), dsr: bit(3), receive: bit(4), transmit: bit(5), receiveTimeout: bit(6) },
    ...{ framingError: bit(7), parityError: bit(8), breakError: bit(9), overrunError: bit(10) },
    none: reserved([11, 31]),
  },
});
export const rawStatus = pl011Registers.register(Offset.RawStatus, readOnly);
export const maskedStatus = pl011Registers.register(Offset.MaskedStatus, readOnly);
export const clear = pl011Registers.register(Offset.Clear, trigger);
export const dmaControl = pl011Registers.register(Offset.DmaControl, {
  width: 32,
  fields: { all: bits(0, 2, 'unimplemented'), none: reserved([3, 31]) },
});
/** @see Arm DDI 0183, 3.3.15 "Peripheral Identification Registers, UARTPeriphID0-3" */
export const identification = pl011Registers.register(Offset.Identification, {
  ...{ width: 32, count: 8, access: 'constant', atReset: 'set-by-device' },
});

export const Interrupt = {
  ...{ Ri: 0x001, Cts: 0x002, Dcd: 0x004, Dsr: 0x008 },
  ...{ Receive: 0x010, Transmit: 0x020, ReceiveTimeout: 0x040, Break: 0x200, Overrun: 0x400 },
} as const;

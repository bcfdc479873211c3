import { bit, bits, mmioRegion, reserved } from '../../sdk/index.ts';

export const Register = {
  Control0: 0x00,
  Control1: 0x04,
  Data: 0x08,
  Status: 0x0c,
  ClockPrescale: 0x10,
  InterruptMask: 0x14,
  RawStatus: 0x18,
  MaskedStatus: 0x1c,
  InterruptClear: 0x20,
  DmaControl: 0x24,
  Identification: 0xfe0,
} as const;

export const pl022Registers = mmioRegion({ name: 'pl022', size: 0x1000, accessSizes: [1, 2, 4] });
export const control0 = pl022Registers.register(Register.Control0, {
  width: 32,
  fields: {
    dataSize: bits(0, 3, 'read-write', { description: 'bits of a frame, less one; 3 to 15' }),
    frameFormat: bits(4, 5, 'read-write', { values: { Motorola: 0, TexasInstruments: 1, Microwire: 2 } }),
    mode: bits(6, 7, 'read-write', { description: 'polarity of the clock in bit 0, phase in bit 1' }),
    clockRate: bits(8, 15, 'read-write', { description: 'SCR: clock divisor, less one' }),
    rest: reserved([16, 31]),
  },
});
export const control1 = pl022Registers.register(Register.Control1, {
  width: 32,
  fields: {
    loopBack: bit(0),
    enable: bit(1),
    slave: bit(2, 'unimplemented'),
    slaveOutputDisable: bit(3, 'unimplemented'),
    rest: reserved([4, 31]),
  },
});
export const prescale = pl022Registers.register(Register.ClockPrescale, {
  width: 32,
  fields: {
    zero: bit(0, 'constant'),
    half: bits(1, 7, 'read-write', { description: 'half of CPSDVSR, which is even' }),
    rest: reserved([8, 31]),
  },
});
export const interruptMask = pl022Registers.register(Register.InterruptMask, {
  width: 32,
  fields: { overrun: bit(0), timeout: bit(1), receive: bit(2), transmit: bit(3), rest: reserved([4, 31]) },
});
export const dmaControl = pl022Registers.register(Register.DmaControl, {
  width: 32,
  fields: { receive: bit(0, 'unimplemented'), transmit: bit(1, 'unimplemented'), rest: reserved([2, 31]) },
});

export const readOnly = { width: 32, access: 'read-only' } as const;
export const received = pl022Registers.register(Register.Data, readOnly);
export const sent = pl022Registers.register(Register.Data, { width: 32, access: 'trigger' });
export const interruptClear = pl022Registers.register(Register.InterruptClear, { width: 32, access: 'trigger' });
/** @see Arm DDI 0194, 3.3.11 "Peripheral identification registers" */
export const identification = pl022Registers.register(Register.Identification, {
  ...{ width: 32, count: 8, access: 'constant', atReset: 'set-by-device' },
});

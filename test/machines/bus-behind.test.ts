import { describe, expect, it } from 'vitest';
import { I440fxPciHost, I440fxPciHostOverlaid, Piix3 } from '../../devices/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { pcI440fx } from '../small-machines.ts';

const Named = 0x8000_0800; // the PIIX3's identity
const HardResetNextTime = 0x02;

interface Seen {
  readonly address: number;
  readonly resetControl: number;
  readonly command: number;
  readonly queued: number;
  readonly exits: number;
}

/** One write of the guest, after which it looks at nothing: what reached whom, and whether it was queued. */
function afterWrite(port: number, value: number, size: 8 | 16 | 32, resetControl: 'behind' | 'overlay'): Seen {
  const machine = Machine.create(pcI440fx, { options: { resetControl } });
  const bridge = resetControl === 'behind' ? machine.device(I440fxPciHost) : machine.device(I440fxPciHostOverlaid);
  bridge.configuration.address = Named + 4;
  machine.run(
    guestProgram(function* (guest) {
      yield* guest[`out${size}`](port, value);
    }),
  );
  const piix = machine.device(Piix3);
  const { coalescedWrites, userspaceExits } = machine.accelerator.statistics.summary();
  return {
    address: bridge.configuration.address,
    resetControl: piix.resetControl,
    command: piix.readConfig(4, 2),
    queued: coalescedWrites,
    exits: userspaceExits,
  };
}

function read(port: number, size: 8 | 16 | 32, resetControl: 'behind' | 'overlay'): number {
  const machine = Machine.create(pcI440fx, { options: { resetControl } });
  const bridge = resetControl === 'behind' ? machine.device(I440fxPciHost) : machine.device(I440fxPciHostOverlaid);
  bridge.configuration.address = Named;
  machine.device(Piix3).resetControl = HardResetNextTime;
  let value = 0;
  machine.run(
    guestProgram(function* (guest) {
      value = yield* guest[`in${size}`](port);
    }),
  );
  return value;
}

const untouched: Seen = { address: Named + 4, resetControl: 0, command: 0, queued: 0, exits: 1 };

describe('at the ports of the host bridge, with the bus behind it, a write of', () => {
  it('32 bits at 0xcf8 names a register, and is queued', () => {
    expect(afterWrite(0xcf8, Named, 32, 'behind')).toEqual({ ...untouched, address: Named, queued: 1, exits: 0 });
  });

  it.each([8, 16] as const)('%i bits at 0xcf8 is handed on, where nobody is, and does not reach 0xcf9', (size) => {
    expect(afterWrite(0xcf8, size === 8 ? 0x02 : 0x0202, size, 'behind')).toEqual({
      ...untouched,
      queued: 1,
      exits: 0,
    });
  });

  it('8 bits at 0xcf9 reaches the reset register, after it was queued', () => {
    const seen = afterWrite(0xcf9, HardResetNextTime, 8, 'behind');
    expect(seen).toEqual({ ...untouched, resetControl: HardResetNextTime, queued: 1, exits: 0 });
  });

  it('16 bits at 0xcf9 reaches the reset register with its low byte alone', () => {
    expect(afterWrite(0xcf9, 0x0002, 16, 'behind')).toEqual({
      ...untouched,
      resetControl: HardResetNextTime,
      queued: 1,
      exits: 0,
    });
  });

  it('32 bits at 0xcf9 reaches the reset register and, with its last byte, the data register', () => {
    expect(afterWrite(0xcf9, 0x0300_0002, 32, 'behind')).toEqual({
      ...untouched,
      resetControl: HardResetNextTime,
      command: 3,
    });
  });

  it.each([0xcf5, 0xcf6, 0xcf7])('32 bits at 0x%s changes nothing: what reaches 0xcf8 is narrower', (port) => {
    expect(afterWrite(port, 0x0202_0202, 32, 'behind')).toMatchObject({ address: Named + 4, queued: 0, exits: 1 });
  });

  it.each([16, 32] as const)('%i bits at 0xcfb is the data register from its second byte on, by an exit', (size) => {
    expect(afterWrite(0xcfb, 0x0300, size, 'behind')).toEqual({ ...untouched, command: 3 });
  });
});

describe('at the same ports with the overlay', () => {
  it('a word at 0xcf9 is two writes of the reset register', () => {
    expect(afterWrite(0xcf9, 0x0002, 16, 'overlay')).toEqual({ ...untouched, resetControl: 0 });
  });

  it('a double word at 0xcf9 does not reach the data register', () => {
    expect(afterWrite(0xcf9, 0x0300_0002, 32, 'overlay')).toMatchObject({ command: 0 });
  });

  it('the address write is never queued', () => {
    expect(afterWrite(0xcf8, Named, 32, 'overlay')).toEqual({ ...untouched, address: Named });
  });
});

describe('a narrow read', () => {
  it('at 0xcf8 is all ones, for the bus behind has nobody there; the overlay answers the address', () => {
    expect(read(0xcf8, 8, 'behind')).toBe(0xff);
    expect(read(0xcf8, 8, 'overlay')).toBe(Named & 0xff);
    expect(read(0xcfa, 16, 'behind')).toBe(0xffff);
    expect(read(0xcfa, 16, 'overlay')).toBe(Named & 0xffff);
  });

  it('at 0xcf9 is the reset register with both', () => {
    expect(read(0xcf9, 8, 'behind')).toBe(HardResetNextTime);
    expect(read(0xcf9, 8, 'overlay')).toBe(HardResetNextTime);
  });

  it('that begins in front of the bridge sees nobody there', () => {
    expect(read(0xcf7, 16, 'behind')).toBe(0xffff);
  });

  it('of 32 bits at 0xcf8 is the address with both', () => {
    expect(read(0xcf8, 32, 'behind')).toBe(Named);
    expect(read(0xcf8, 32, 'overlay')).toBe(Named);
  });
});

import { bit, bits, calendar, portRegion } from '../../sdk/index.ts';

export const Counters = 3;
export const Port = { Counter0: 0, ControlWord: 3 } as const;
export const timerPorts = portRegion({ name: 'pit', base: 0x40, size: 4, implements: { max: 1 } });

const controlPort = portRegion({
  name: 'system-control-b',
  base: 0x61,
  size: 1,
  implements: { max: 1 },
  mirrored: true,
});

/** @see Intel 82371SB (PIIX3) datasheet, "NMISC - NMI Status and Control Register", port 0x61 */
export const systemControl = controlPort.register(0, {
  width: 8,
  fields: {
    gate2: bit(0, 'read-write', { description: 'GATE 2' }),
    speaker: bit(1, 'unimplemented', { description: 'OUT 2 reaches the speaker; there is none' }),
    systemErrorOff: bit(2, 'unimplemented', { description: 'no NMI for SERR#, which nothing asserts' }),
    channelCheckOff: bit(3, 'unimplemented', { description: 'no NMI for IOCHK#, which nothing asserts' }),
    refresh: bit(4, 'read-only', { description: 'changes with each refresh of memory, every 15.625 us' }),
    out2: bit(5, 'read-only', { description: 'OUT 2' }),
    sources: bits(6, 7, 'constant', { description: 'sources of the NMI' }),
  },
});

/**
 * The control word. With `Select` 3 it is the read-back command, and with `Access` 0 the counter latch command.
 *
 * @see Intel 8254 datasheet, order number 231164, "Control Word Format" and "Read-Back Command Format"
 */
export const ControlWord = { Select: 6, Access: 4, Mode: 1, Decimal: 0x01, Kept: 0x3f, ReadBack: 3 } as const;
export const ReadBack = { NoCount: 0x20, NoStatus: 0x10, Counter0: 0x02 } as const;
/** @see Intel 8254 datasheet, "Status Byte" */
export const Status = { Out: 0x80, NullCount: 0x40 } as const;
/** Which bytes of a count are written and read. */
export const Access = { Latch: 0, Low: 1, High: 2, Both: 3 } as const;

/** The number that four decimal digits hold. Digits above nine carry. */
export const fromDecimal = (digits: number): number => calendar.fromBcd(digits >> 8) * 100 + calendar.fromBcd(digits);

/** The last four digits of a number. */
export const toDecimal = (value: number): number =>
  (calendar.toBcd(Math.floor(value / 100)) << 8) | calendar.toBcd(value);

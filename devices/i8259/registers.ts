import { bit, bits, portRegion } from '../../sdk/index.ts';

export const Port = { Command: 0, Data: 1 } as const;

export const masterPorts = portRegion({ name: 'pic', base: 0x20, size: 2, implements: { max: 1 } });
export const slavePorts = portRegion({ name: 'pic', base: 0xa0, size: 2, implements: { max: 1 } });
/**
 * The edge/level registers ELCR1 and ELCR2. They are in the PIIX3, not in the 8259A.
 *
 * @see Intel 82371SB (PIIX3) datasheet, "ELCR1" and "ELCR2", ports 0x4d0 and 0x4d1
 * @see QEMU 7.2, hw/intc/i8259.c, elcr_ioport_write: the masks 0xf8 and 0xde
 */
const masterElcr = portRegion({ name: 'elcr', base: 0x4d0, size: 1, implements: { max: 1 }, mirrored: true });
const slaveElcr = portRegion({ name: 'elcr', base: 0x4d1, size: 1, implements: { max: 1 }, mirrored: true });

const levelTriggered = { description: 'level triggered; the others are edge triggered' } as const;
export const masterTriggers = masterElcr.register(0, {
  width: 8,
  fields: {
    irq0To2: bits(0, 2, 'constant', { description: 'timer, keyboard and cascade: always edge triggered' }),
    irq3To7: bits(3, 7, 'read-write', levelTriggered),
  },
});
export const slaveTriggers = slaveElcr.register(0, {
  width: 8,
  fields: {
    irq8: bit(0, 'constant', { description: 'clock: always edge triggered' }),
    irq9To12: bits(1, 4, 'read-write', levelTriggered),
    irq13: bit(5, 'constant', { description: 'coprocessor: always edge triggered' }),
    irq14To15: bits(6, 7, 'read-write', levelTriggered),
  },
});

/**
 * Bits of the initialization command words (ICW) and of the operation command words (OCW) at the command port.
 *
 * @see Intel 8259A datasheet, "Initialization Command Words (ICWs)" and "Operation Command Words (OCWs)"
 */
export const Icw1 = { Initialize: 0x10, LevelTriggered: 0x08, Single: 0x02, Icw4Follows: 0x01 } as const;
export const Icw4 = { SpecialFullyNested: 0x10, AutomaticEnd: 0x02 } as const;
export const Ocw3 = { Select: 0x08, Poll: 0x04, ReadRegister: 0x02, InService: 0x01 } as const;
export const SpecialMask = { Change: 0x40, On: 0x20 } as const;
/** Bits 7-5 of OCW2: R, SL and EOI. 2 is no operation. */
export const Ocw2 = {
  StopRotatingOnAutomaticEnd: 0,
  End: 1,
  EndSpecific: 3,
  RotateOnAutomaticEnd: 4,
  RotateOnEnd: 5,
  SetPriority: 6,
  RotateOnEndSpecific: 7,
} as const;

/** The master's input that the slave drives. @see QEMU 7.2, hw/intc/i8259.c, i8259_init */
export const CascadeInput = 2;
/**
 * The slave's number after ICW1, until ICW3 sets it.
 *
 * @see Intel 8259A datasheet, "Initialization Command Words 1 and 2", (d)
 */
export const UnnamedSlave = 7;
/** The default IR7 of a spurious interrupt. @see Intel 8259A datasheet, "Edge and Level Triggered Modes" */
export const DefaultInput = 7;

import { portRegion } from '../../sdk/index.ts';

/** Each port decodes its own address only: an access past it comes to the same register again. */
const port = { size: 1, implements: { max: 1 }, mirrored: true } as const;
export const dataPort = portRegion({ name: 'i8042-data', base: 0x60, ...port });
export const commandPort = portRegion({ name: 'i8042-command', base: 0x64, ...port });

/** @see IBM Personal Computer AT Technical Reference, "Status-Register Bit Definition" */
export const Status = {
  OutputFull: 0x01,
  InputFull: 0x02,
  System: 0x04,
  Command: 0x08,
  NotLocked: 0x10,
  AuxiliaryFull: 0x20,
  TimeOut: 0x40,
} as const;

/** The command byte. @see IBM Personal Computer AT Technical Reference, "Commands (I/O Address Hex 64)" */
export const Mode = {
  KeyboardInterrupt: 0x01,
  AuxiliaryInterrupt: 0x02,
  System: 0x04,
  KeyboardOff: 0x10,
  AuxiliaryOff: 0x20,
  Translate: 0x40,
} as const;

export const Command = {
  ReadMode: 0x20,
  WriteMode: 0x60,
  AuxiliaryOff: 0xa7,
  AuxiliaryOn: 0xa8,
  TestAuxiliary: 0xa9,
  SelfTest: 0xaa,
  TestKeyboard: 0xab,
  KeyboardOff: 0xad,
  KeyboardOn: 0xae,
  ReadInputPort: 0xc0,
  ReadOutputPort: 0xd0,
  WriteOutputPort: 0xd1,
  WriteKeyboardOutput: 0xd2,
  WriteAuxiliaryOutput: 0xd3,
  WriteAuxiliary: 0xd4,
  /** Of later controllers. @see QEMU 7.2, hw/input/pckbd.c, kbd_write_command */
  A20Off: 0xdd,
  A20On: 0xdf,
  /** From here on: pulses the low bits of the output port that are zero in the command. */
  Pulse: 0xf0,
} as const;

/** P2. Bits 4 and 5 are those of a full output buffer. @see IBM Personal Computer AT Technical Reference, "I/O Ports" */
export const OutputPort = { NotReset: 0x01, A20: 0x02, Full: 0x10, AuxiliaryFull: 0x20, Derived: 0x30 } as const;

export const Answer = { TestPassed: 0x55, LineIsGood: 0x00, NoKeyLock: 0x80, Resend: 0xfe } as const;

/** The next byte at the data port is the parameter of these commands. */
const withParameter: readonly number[] = [
  Command.WriteMode,
  Command.WriteOutputPort,
  Command.WriteKeyboardOutput,
  Command.WriteAuxiliaryOutput,
  Command.WriteAuxiliary,
];
export const takesParameter = (command: number): boolean => withParameter.includes(command);

/** At power-on, until the firmware sets them. @see QEMU 7.2, hw/input/pckbd.c, kbd_reset */
export const FirstMode = Mode.KeyboardInterrupt | Mode.AuxiliaryInterrupt;
export const FirstOutputPort = 0xcf;

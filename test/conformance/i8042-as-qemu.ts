import type { Keyboard } from '../../devices/i8042/keyboard.ts';
import type { OutputBuffer } from '../../devices/i8042/output-buffer.ts';
import { toSet1 } from '../../devices/i8042/scan-codes.ts';
import { I8042 } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { command, getData, getStatus, setData } from './i8042.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';

const described = (what: string) => ({ type: 'i8042', description: `a keyboard controller ${what}` });

const isInstant = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose bytes take no time'))
  class InstantController extends base {
    override get isInstant(): boolean {
      return true;
    }
  }
  return InstantController;
});

const showsCommand = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose status says that a command came last'))
  class ControllerOfCommands extends base {
    override readStatus(): number {
      return super.readStatus() | CommandLast;
    }
  }
  return ControllerOfCommands;
});

const keepsSystem = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose self test alone sets SYS'))
  class ControllerWithFlag extends base {
    private hasPassed = false;

    protected override get system(): number {
      return this.hasPassed ? System : 0;
    }

    protected override testItself(): void {
      const { mode } = this;
      super.testItself();
      this.mode = mode;
      this.hasPassed = true;
    }

    override reset(): void {
      super.reset();
      this.hasPassed = false;
    }
  }
  return ControllerWithFlag;
});

/** A controller with a keyboard that has QEMU's behaviour in one point. */
function keyboardOf(what: string, over: (base: typeof Keyboard) => typeof Keyboard): StandIn {
  return standIn(I8042, (base: typeof I8042) => {
    @device(described(what))
    class ControllerWithOtherKeyboard extends base {
      protected override keyboardClass(): typeof Keyboard {
        return over(super.keyboardClass());
      }
    }
    return ControllerWithOtherKeyboard;
  });
}

const resendsNothing = keyboardOf(
  'whose keyboard repeats no byte',
  (base) =>
    class extends base {
      protected override execute(command: number): void {
        super.execute(command === Resend ? NoCommand : command);
      }
    },
);

const hasOtherCommands = keyboardOf(
  'whose keyboard has other commands',
  (base) =>
    class extends base {
      protected override execute(command: number): void {
        if (command === 0) super.execute(AllKeys);
        else super.execute(isMissing(command) ? NoCommand : command);
      }
    },
);

/** QEMU has the commands 0xfa and 0xfc of those that change keys. */
const isMissing = (command: number): boolean => [0xf7, 0xf8, 0xf9, 0xfb, 0xfd].includes(command);

const hasSet3 = keyboardOf(
  'whose keyboard has a third set of scan codes',
  (base) =>
    class extends base {
      protected override hasSet(set: number): boolean {
        return set <= 3;
      }
    },
);

const takesParameters = keyboardOf(
  'whose keyboard takes any byte as a parameter',
  (base) =>
    class extends base {
      protected override isCommand(): boolean {
        return false;
      }
    },
);

const replacesAnswers = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose keyboard takes back an answer that was not read'))
  class ControllerWithoutBuffer extends base {
    private isFromKeyboard = false;

    override readData(): number {
      this.isFromKeyboard = false;
      return super.readData();
    }

    override onReceived(byte: number): void {
      super.onReceived(byte);
      this.isFromKeyboard = true;
    }

    override writeData(value: number): void {
      if (this.pending === None && this.isFromKeyboard) this.output.isFull = false;
      super.writeData(value);
    }

    override reset(): void {
      super.reset();
      this.isFromKeyboard = false;
    }
  }
  return ControllerWithoutBuffer;
});

const overwritesAnswers = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose next answer overwrites the one before'))
  class ControllerThatOverwrites extends base {
    protected override outputClass(): typeof OutputBuffer {
      return class extends super.outputClass() {
        private isAnswer = false;

        override put(byte: number): void {
          super.put(byte);
          this.isAnswer = false;
        }

        override reply(answer: number): void {
          if (this.isFull && this.isAnswer) this.value = answer & 0xff;
          else super.reply(answer);
        }

        protected override fill(): void {
          const isIt = !this.isFull && this.answer !== None;
          super.fill();
          this.isAnswer ||= isIt;
        }
      };
    }
  }
  return ControllerThatOverwrites;
});

const keepsLast = standIn(I8042, (base: typeof I8042) => {
  @device(described('that shows the last byte after a reset too'))
  class ControllerThatKeepsLast extends base {
    protected override outputClass(): typeof OutputBuffer {
      return class extends super.outputClass() {
        private last = 0;

        override take(): number {
          this.last = super.take();
          return this.last;
        }

        override reset(): void {
          super.reset();
          this.value = this.last;
        }
      };
    }
  }
  return ControllerThatKeepsLast;
});

const masksKeyboard = standIn(I8042, (base: typeof I8042) => {
  @device(described('that does not interrupt while its keyboard is disabled'))
  class ControllerThatMasks extends base {
    /** The level that the line keeps until the buffer is read. */
    private left: boolean | undefined;

    protected override get interrupts(): boolean {
      return this.left ?? (super.interrupts && (this.mode & KeyboardOff) === 0);
    }

    override readData(): number {
      this.left = undefined;
      return super.readData();
    }

    /** So does a byte for the keyboard, which enables it. */
    override writeData(value: number): void {
      if (this.pending === None && this.output.isFull && (this.mode & KeyboardOff) !== 0) this.left = this.irq.level;
      super.writeData(value);
    }

    protected override setMode(mode: number): void {
      this.left = undefined;
      super.setMode(mode);
    }

    override reset(): void {
      this.left = undefined;
      super.reset();
    }

    /** These commands leave the line alone while the buffer is full. */
    protected override execute(command: number): void {
      if (!this.output.isFull) super.execute(command);
      else if (command === DisableKeyboard) this.mode |= KeyboardOff;
      else if (command === EnableKeyboard) this.mode &= ~KeyboardOff;
      else super.execute(command);
    }
  }
  return ControllerThatMasks;
});

/** Asked by its keyboard. */
interface Translating {
  readonly isTranslatingAnswers: boolean;
}

const translatesAnswers = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose keyboard translates its answers itself'))
  class ControllerThatTranslatesEarly extends base implements Translating {
    get isTranslatingAnswers(): boolean {
      return super.isTranslating;
    }

    override get isTranslating(): boolean {
      return false;
    }

    protected override keyboardClass(): typeof Keyboard {
      return class extends super.keyboardClass() {
        protected override answer(...bytes: readonly number[]): void {
          const { isTranslatingAnswers } = this.line as unknown as Translating;
          super.answer(...(isTranslatingAnswers ? bytes.map(toSet1) : bytes));
        }
      };
    }
  }
  return ControllerThatTranslatesEarly;
});

const keepsPending = standIn(I8042, (base: typeof I8042) => {
  @device(described('that waits for a parameter over other commands'))
  class ControllerThatWaits extends base {
    protected override process(value: number): void {
      const { pending } = this;
      super.process(value);
      if (value & CommandPort && this.pending === None) this.pending = pending;
    }
  }
  return ControllerThatWaits;
});

const showsWritten = standIn(I8042, (base: typeof I8042) => {
  @device(described('whose output port shows what was written until the output buffer changes'))
  class ControllerThatShowsWritten extends base {
    private isWritten = false;

    protected override setOutputPort(value: number): void {
      super.setOutputPort(value);
      this.isWritten = true;
    }

    protected override updateInterrupts(): void {
      super.updateInterrupts();
      this.isWritten = false;
    }

    protected override get outputLevels(): number {
      return this.isWritten ? this.outputPort : super.outputLevels;
    }
  }
  return ControllerThatShowsWritten;
});

const None = -1;
/** Set in a value that was written to the command port. */
const CommandPort = 0x100;
const Resend = 0xfe;
const NoCommand = 0x12;
const AllKeys = 0xfa;
const CommandLast = 0x08;
const System = 0x04;
const KeyboardOff = 0x10;
const DisableKeyboard = 0xad;
const EnableKeyboard = 0xae;

export const i8042Differences: readonly KnownDifference[] = [
  {
    register: 'data and status',
    condition: 'a byte goes to the keyboard, or comes from it',
    reason: 'A byte takes 880 us on its line (AT Technical Reference, "Receiving Data"). In QEMU it takes no time.',
    standIn: isInstant,
    there: { operations: [setData(0xee), getStatus], ours: [0x18], qemu: [0x19] },
  },
  {
    register: 'status, command or data',
    condition: 'the last byte was written to the data port, or none was written',
    reason:
      'The bit says which port was written last (AT Technical Reference, "Status-Register Bit Definition"). In QEMU it is always set.',
    standIn: showsCommand,
    there: { operations: [getStatus], ours: [0x10], qemu: [0x18] },
  },
  {
    register: 'status, system flag',
    condition: 'the command byte is written, or the self test passes',
    reason:
      'The flag is a bit of the command byte (AT Technical Reference, "Status-Register Bit Definition"). In QEMU the self test sets it apart from that.',
    standIn: keepsSystem,
    there: { operations: [command(0x60), setData(0x07), getStatus], ours: [0x1c], qemu: [0x18] },
  },
  {
    register: 'data',
    condition: 'the keyboard is asked to repeat a byte',
    reason: 'It sends its last byte again (AT Technical Reference, "Resend"). QEMU asks for a byte itself.',
    standIn: resendsNothing,
  },
  {
    register: 'data',
    condition: 'a command of the keyboard changes keys, or is zero',
    reason:
      'Keys can be changed all or one by one (AT Technical Reference, "Commands from the System"). QEMU has two of these commands, and acknowledges zero.',
    standIn: hasOtherCommands,
    there: { operations: [setData(0xf7), getData, setData(0), getData], ours: [0xfa, 0xfe], qemu: [0xfe, 0xfa] },
  },
  {
    register: 'data',
    condition: 'set 3 is selected',
    reason: 'This keyboard has the sets 1 and 2, as many have. That of QEMU has three.',
    standIn: hasSet3,
    there: { operations: [setData(0xf0), getData, setData(3), getData], ours: [0xfa, 0xfe], qemu: [0xfa, 0xfa] },
  },
  {
    register: 'data',
    condition: 'a command is sent to the keyboard where a parameter is expected',
    reason:
      'The command is executed (AT Technical Reference, "Set/Reset Mode Indicators"). QEMU takes it as the parameter.',
    standIn: takesParameters,
  },
  {
    register: 'data and status',
    condition: 'a byte is sent to the keyboard before its answer has been read',
    reason: 'The output buffer holds a byte until it is read (AT Technical Reference, "Output Buffer"). QEMU drops it.',
    standIn: replacesAnswers,
  },
  {
    register: 'data',
    condition: 'a command is executed before the answer to another has been read',
    reason:
      'The output buffer holds a byte until it is read (AT Technical Reference, "Output Buffer"). QEMU overwrites it.',
    standIn: overwritesAnswers,
  },
  {
    register: 'data',
    condition: 'after a reset',
    reason: 'A reset clears the controller. QEMU shows the byte that was read last.',
    standIn: keepsLast,
    there: { operations: [setData(0xee), getData, { kind: 'reset' }, getData], ours: [0xee, 0], qemu: [0xee, 0xee] },
  },
  {
    register: 'data',
    condition: 'a command is written where the parameter of another is expected',
    reason:
      'The bit of the status says which port was written (AT Technical Reference, "Input Buffer"): a command ends the one before. QEMU waits on.',
    standIn: keepsPending,
    there: {
      operations: [command(0x60), command(0xab), getData, setData(0x45), command(0x20), getData],
      ours: [0x00, 0xfe],
      qemu: [0x00, 0x45],
    },
  },
  {
    register: 'output port',
    condition: 'bits 4 and 5 are written',
    reason: 'They show a full output buffer (AT Technical Reference, "I/O Ports"). QEMU keeps them until that changes.',
    standIn: showsWritten,
    there: { operations: [command(0xd1), setData(0x33), command(0xd0), getData], ours: [0x03], qemu: [0x33] },
  },
  {
    register: 'interrupt line 1',
    condition: 'the output buffer is full while the keyboard is disabled',
    reason:
      'Bit 0 of the command byte enables the interrupt (AT Technical Reference, "Commands (I/O Address Hex 64)"). In QEMU bit 4 disables it too.',
    standIn: masksKeyboard,
  },
  {
    register: 'data',
    condition: 'translation changes while an answer of the keyboard waits',
    reason:
      'The controller translates what it receives (AT Technical Reference, "Scan Code Translation"). In QEMU the keyboard does, when it answers.',
    standIn: translatesAnswers,
    there: {
      operations: [setData(0xf2), command(0x60), setData(0x43), getData, getData, getData],
      ours: [0xfa, 0xab, 0x41],
      qemu: [0xfa, 0xab, 0x83],
    },
  },
  {
    register: 'data and status',
    condition: 'a byte was sent to the auxiliary device',
    reason: "QEMU's machine has a mouse. Ours has none, and the controller reports a time-out.",
    bits: 0xff,
    hides: (register) => register.startsWith('auxiliary device'),
    there: { operations: [command(0xd4), setData(0xf4), getData], ours: [0xfe], qemu: [0xfa] },
  },
];

import { IsaSerial } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { getPort, setPort } from './isa-serial.ts';
import { type KnownDifference, standIn } from './known-difference.ts';

const described = (what: string) => ({ type: 'isa-serial', description: `a 16550A ${what}` });

const isInstant = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('whose characters take no time'))
  class InstantSerial extends base {
    override get transferTime(): number {
      return 0;
    }
  }
  return InstantSerial;
});

const interruptsAlways = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('whose interrupt reaches the bus without OUT2'))
  class SerialWithoutGate extends base {
    protected override get interrupts(): boolean {
      return (this.identification & 1) === 0;
    }
  }
  return SerialWithoutGate;
});

const resetsAll = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('that a reset gives a divisor, a scratch register and OUT2'))
  class SerialWithResetValues extends base {
    override reset(): void {
      super.reset();
      Object.assign(this, { divisorLow: 12, divisorHigh: 0, scratch: 0, modemControl: 8 });
    }
  }
  return SerialWithResetValues;
});

const keepsFifos = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('whose FIFOs stay enabled over a reset, and are not shown'))
  class SerialWithFifosOverReset extends base {
    private isHidden = false;

    override get identification(): number {
      return this.isHidden ? super.identification & 0x0f : super.identification;
    }

    override setFifos(value: number, previous: number): number {
      this.isHidden = false;
      return super.setFifos(value, previous);
    }

    override reset(): void {
      const { fifoControl } = this;
      super.reset();
      this.fifoControl = fifoControl;
      this.isHidden = true;
    }
  }
  return SerialWithFifosOverReset;
});

const sendsAllBits = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('whose words have eight bits'))
  class SerialOfEightBits extends base {
    override get wordMask(): number {
      return 0xff;
    }
  }
  return SerialOfEightBits;
});

const hasNoDeltas = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('that reports no change of a modem line'))
  class SerialWithoutDeltas extends base {
    protected override noteLines(): void {}
  }
  return SerialWithoutDeltas;
});

const clearsWithoutFifos = standIn(IsaSerial, (base: typeof IsaSerial) => {
  @device(described('that obeys the clear bits without the enable bit'))
  class SerialThatClears extends base {
    override setFifos(value: number, previous: number): number {
      const kept = super.setFifos(value, previous);
      if (kept === 0) this.clearFifos(value);
      return kept;
    }
  }
  return SerialThatClears;
});

export const isaSerialDifferences: readonly KnownDifference[] = [
  {
    register: 'line status, identification and data',
    condition: 'a character is sent or comes in',
    reason:
      'A character takes the time of its bits (PC16550D, 8.2). QEMU sends and receives at once, whatever the divisor.',
    standIn: isInstant,
    there: { operations: [setPort(0, 0x41), getPort(5)], ours: [0x20], qemu: [0x60] },
  },
  {
    register: 'interrupt line',
    condition: 'OUT2 is off, or in loop-back',
    reason: "A PC's board lets the interrupt through while OUT2 is on (PC16550D, 8.6). QEMU raises it without.",
    standIn: interruptsAlways,
  },
  {
    register: 'divisor, scratch and modem control registers',
    condition: 'after a reset',
    reason:
      'A reset clears the modem control and leaves the others (PC16550D, TABLE 1). QEMU sets OUT2, 9600 baud and zero.',
    standIn: resetsAll,
    there: { operations: [setPort(7, 0x5a), { kind: 'reset' }, getPort(7), getPort(4)], ours: [0x5a, 0], qemu: [0, 8] },
  },
  {
    register: 'FIFO control, identification and data',
    condition: 'after a reset, FIFOs were enabled',
    reason:
      'A reset clears the FIFO control (PC16550D, TABLE 1). QEMU leaves it, and hides it from the identification.',
    standIn: keepsFifos,
    there: {
      operations: [setPort(2, 1), { kind: 'reset' }, setPort(4, 0x10), setPort(0, 1), setPort(0, 2), getPort(0)],
      ours: [2],
      qemu: [1],
    },
  },
  {
    register: 'data',
    condition: 'in loop-back with words of fewer than eight bits',
    reason: 'A word has as many bits as the line control says (PC16550D, 8.1). QEMU sends eight.',
    standIn: sendsAllBits,
  },
  {
    register: 'modem status and identification',
    condition: 'the modem control changes in loop-back',
    reason: 'In loop-back its outputs are the inputs, and changes are reported (PC16550D, 8.6). QEMU reports none.',
    standIn: hasNoDeltas,
    there: { operations: [setPort(4, 0x11), getPort(6)], ours: [0x29], qemu: [0x20] },
  },
  {
    register: 'FIFO control',
    condition: 'a clear bit is written without the enable bit',
    reason:
      'Without the enable bit the others are not taken (PC16550D, 8.4). QEMU clears the receiver and the transmitter.',
    standIn: clearsWithoutFifos,
  },
];

import { describe, expect, it } from 'vitest';
import type { InterruptChip } from '../../devices/i8259/interrupt-chip.ts';
import { I8259, Mc146818Rtc } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { writeScript } from './chip.ts';
import { type StandIn, standIn } from './known-difference.ts';
import { MachineSubject, machineForComparison } from './machine-subject.ts';
import { pic } from './pic.ts';
import { rtc } from './rtc.ts';

const picOf = (over: (base: typeof InterruptChip) => typeof InterruptChip): StandIn =>
  standIn(I8259, (base) => {
    @device({ type: 'i8259', description: 'a pair of interrupt controllers with a bug' })
    class FaultyPic extends base {
      protected override chipClass(): typeof InterruptChip {
        return over(super.chipClass());
      }
    }
    return FaultyPic;
  });

const rtcOf = (change: (register: number, value: number) => number): StandIn =>
  standIn(Mc146818Rtc, (base) => {
    @device({ type: 'mc146818rtc', description: 'an RTC with a bug' })
    class FaultyRtc extends base {
      protected override writeByte(register: number, value: number, before: number): void {
        super.writeByte(register, change(register, value), before);
      }
    }
    return FaultyRtc;
  });

/** Bugs in the very functions in which a stand-in does as QEMU does. */
const faults = [
  {
    chip: rtc,
    name: 'the day of the month loses its highest digit, beside dates that are normalized at once',
    fault: rtcOf((register, value) => (register === 0x07 ? value & 0x1f : value)),
  },
  {
    chip: rtc,
    name: 'the day of the week cannot be 7, beside one that is worked out',
    fault: rtcOf((register, value) => (register === 0x06 && value === 0x07 ? 0x06 : value)),
  },
  {
    chip: rtc,
    name: 'DM is forgotten while the dividers are held, beside formats that are converted',
    fault: standIn(Mc146818Rtc, (base) => {
      @device({ type: 'mc146818rtc', description: 'an RTC with a bug' })
      class RtcThatForgetsFormats extends base {
        override setFormat(value: number, previous: number): void {
          super.setFormat((this.statusA & 0x60) === 0x60 ? value & ~0x04 : value, previous);
        }
      }
      return RtcThatForgetsFormats;
    }),
  },
  {
    chip: pic,
    name: 'special mask mode is not switched off, beside an INT that is not worked out then',
    fault: picOf(
      (base) =>
        class extends base {
          override writeCommand(value: number): void {
            super.writeCommand((value & 0x78) === 0x48 ? value | 0x20 : value);
          }
        },
    ),
  },
  {
    chip: pic,
    name: 'input 7 is never served, beside requests that are latched',
    fault: picOf(
      (base) =>
        class extends base {
          override setInput(input: number, level: boolean): void {
            super.setInput(input, level && input !== 7);
          }
        },
    ),
  },
  {
    chip: pic,
    name: 'an acknowledgement with automatic end leaves the request in service, beside an INT that stays up',
    fault: picOf(
      (base) =>
        class extends base {
          override acknowledge(): number {
            const input = super.acknowledge();
            if (this.automaticEnd) this.inService |= 1 << input;
            return input;
          }
        },
    ),
  },
] as const;

const Scripts = 8;
const ScriptLength = 1_500;

describe('a bug beside a stand-in', () => {
  it.each(faults)('$chip.name: $name, is found', async ({ chip, fault }) => {
    const faulty = new MachineSubject(chip, machineForComparison(chip, undefined, [fault]));
    const sound = new MachineSubject(chip);
    const random = new Random(3);
    let found = false;
    for (let scripts = 0; scripts < Scripts && !found; scripts++) {
      const script = { date: random.pick(chip.dates), operations: writeScript(chip, random, ScriptLength) };
      const [left, right] = await Promise.all([faulty.run(script), sound.run(script)]);
      found = left.some(({ value, output }, at) => value !== right[at]?.value || output !== right[at]?.output);
    }
    expect(found).toBe(true);
  });
});

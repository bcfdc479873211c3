import { ah, al, ax, byte, cl, ecx, edi, esi } from '../../sdk/assembler.ts';
import { Screen } from './console.ts';
import { type Source, Variable } from './layout.ts';

/** Ports and registers of the real-time clock. @see MC146818A datasheet, figure 8 and table 3 */
export const Cmos = { index: 0x70, data: 0x71 } as const;
export const Rtc = { statusA: 0x0a, statusB: 0x0b, statusC: 0x0c } as const;
const UpdateInProgress = 0x80;
const StatusB = { Binary: 0x04, Of24Hours: 0x02 } as const;
const Afternoon = 0x80;
/** The registers of a reading, in the order of the variables. The last is the century of PCs. */
const Reading = [0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32] as const;
const Part = { second: 0, minute: 1, hour: 2, day: 3, month: 4, year: 5, century: 6 } as const;
const LengthOfText = 19;

/** `read-cmos`: the register that AL names, into AL. The index is coalesced where the machine has it so. */
export function putCmos({ a }: Source): void {
  a.label('read-cmos');
  a.out(Cmos.index, al);
  a.in(al, Cmos.data);
  a.ret();
}

/** `read-clock`: date and time as binary numbers. Two readings must be equal, and none is made during an update. */
export function putClockReading({ a }: Source): void {
  const part = (name: keyof typeof Part) => byte(Variable.clock + Part[name]);
  a.label('read-clock');
  a.call('read-registers');
  a.mov(ecx, 16);
  a.label('clock.again');
  a.push(ecx);
  a.mov(esi, Variable.clock);
  a.mov(edi, Variable.clockBefore);
  a.mov(ecx, Reading.length);
  a.rep('movsb');
  a.call('read-registers');
  a.mov(esi, Variable.clock);
  a.mov(edi, Variable.clockBefore);
  a.mov(ecx, Reading.length);
  a.repe('cmpsb');
  a.pop(ecx);
  a.loopne('clock.again');

  a.mov(al, Rtc.statusB);
  a.call('read-cmos');
  a.mov(cl, al);
  a.mov(ah, part('hour'));
  a.and(part('hour'), 0x7f);
  a.test(cl, StatusB.Binary);
  a.jnz('clock.binary');
  for (const name of Object.keys(Part) as (keyof typeof Part)[]) {
    a.mov(al, part(name));
    a.call('from-bcd');
    a.mov(part(name), al);
  }
  a.label('clock.binary');
  a.test(cl, StatusB.Of24Hours);
  a.jnz('clock.end');
  a.cmp(part('hour'), 12);
  a.jnz('clock.not-twelve');
  a.mov(part('hour'), 0);
  a.label('clock.not-twelve');
  a.test(ah, Afternoon);
  a.jz('clock.end');
  a.add(part('hour'), 12);
  a.label('clock.end');
  a.ret();

  a.label('read-registers');
  a.mov(ecx, 0x1_0000);
  a.label('clock.updating');
  a.mov(al, Rtc.statusA);
  a.call('read-cmos');
  a.test(al, UpdateInProgress);
  a.loopne('clock.updating');
  for (const [index, register] of Reading.entries()) {
    a.mov(al, register);
    a.call('read-cmos');
    a.mov(byte(Variable.clock + index), al);
  }
  a.ret();

  a.label('from-bcd');
  a.push(ax);
  a.mov(ah, al);
  a.shr(ah, 4);
  a.and(al, 0x0f);
  a.aad();
  a.mov(byte(Variable.clockText), al);
  a.pop(ax);
  a.mov(al, byte(Variable.clockText));
  a.ret();
}

/** `format-clock`: the time as `2026-12-01 12:34:56`. Without a plausible century the year has two digits. */
export function putClockText(source: Source): void {
  const { a } = source;
  const digits = (name: keyof typeof Part, before: string) => {
    if (before !== '') {
      a.mov(al, before.charCodeAt(0));
      a.stosb();
    }
    a.mov(al, byte(Variable.clock + Part[name]));
    a.call('put-digits');
  };
  a.label('format-clock');
  a.call('read-clock');
  a.mov(edi, Variable.clockText);
  a.mov(al, byte(Variable.clock + Part.century));
  a.cmp(al, 19);
  a.jb('clock.no-century');
  a.cmp(al, 29);
  a.ja('clock.no-century');
  a.call('put-digits');
  a.label('clock.no-century');
  digits('year', '');
  digits('month', '-');
  digits('day', '-');
  digits('hour', ' ');
  digits('minute', ':');
  digits('second', ':');
  a.mov(al, 0);
  a.stosb();
  a.mov(esi, Variable.clockText);
  a.ret();

  a.label('put-digits');
  a.aam();
  a.add(ax, 0x3030);
  a.xchg(al, ah);
  a.stosw();
  a.ret();

  a.label('print-clock');
  source.say('Clock: ');
  a.call('format-clock');
  a.call('print');
  source.say('\n');
  a.ret();

  // In the corner of the banner; the copy in RAM is of the lines that scroll.
  a.label('show-clock');
  a.call('format-clock');
  a.mov(edi, Screen.start + 2 * (Screen.columns - LengthOfText - 1));
  a.mov(ah, Screen.banner);
  a.label('clock.show-next');
  a.lodsb();
  a.test(al, al);
  a.jz('clock.shown');
  a.stosw();
  a.jmp('clock.show-next');
  a.label('clock.shown');
  a.ret();
}

import { al, byte, dx } from '../../sdk/assembler.ts';
import { Cmos, Rtc } from './clock.ts';
import { type Source, Variable } from './layout.ts';

const UpdateInterrupt = 0x10;
/** Ways to reset a PC: the keyboard controller, and the reset control register. @see 82371SB datasheet, 2.5.5 */
const KeyboardController = { command: 0x64, none: 0xff, pulseReset: 0xfe } as const;
const ResetControl = { port: 0xcf9, prepare: 0x02, reset: 0x06 } as const;

/** `idle`: the processor halts, once a second the clock goes on, and a key begins anew. */
export function putIdle(source: Source): void {
  const { a, out } = source;
  a.label('idle');
  source.say('Halted. A key restarts the machine.\n');
  a.mov(al, Rtc.statusB);
  a.call('read-cmos');
  a.or(al, UpdateInterrupt);
  a.out(Cmos.data, al);
  a.mov(al, Rtc.statusC);
  a.call('read-cmos');
  a.label('idle.next');
  a.cli();
  a.cmp(byte(Variable.keyPressed), 0);
  a.jnz('restart');
  a.cmp(byte(Variable.ticked), 0);
  a.jz('idle.halt');
  a.mov(byte(Variable.ticked), 0);
  a.call('show-clock');
  a.jmp('idle.next');
  // An interrupt is taken after HLT only, so none is missed in between.
  a.label('idle.halt');
  a.sti();
  a.hlt();
  a.jmp('idle.next');

  a.label('restart');
  source.say('Restart\n');
  a.call('send-all');
  a.in(al, KeyboardController.command);
  a.cmp(al, KeyboardController.none);
  a.jz('restart.register');
  out(KeyboardController.command, KeyboardController.pulseReset);
  a.label('restart.register');
  a.mov(dx, ResetControl.port);
  for (const value of [ResetControl.prepare, ResetControl.reset]) {
    a.mov(al, value);
    a.out(dx, al);
  }
  // Without either: an exception that no table has a vector for.
  a.lidt('empty-table-register');
  a.ud2();
  a.align(4);
  a.label('empty-table-register');
  a.dw(0, 0, 0);
}

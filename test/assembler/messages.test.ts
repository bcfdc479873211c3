import { type Address, assemble, byte, eax, esi } from '../../sdk/assembler.ts';
import { goldenMessages } from '../golden-messages.ts';

goldenMessages('assembler', {
  'duplicate-label': () =>
    assemble({ bits: 16 }, (a) => {
      a.label('start');
      a.label('start');
    }),
  'jump-too-far': () =>
    assemble({ bits: 16 }, (a) => {
      a.label('start');
      a.fill(200);
      a.loop('start');
    }),
  'operand-mismatch': () => assemble({ bits: 32 }, (a) => a.mov(eax, byte(esi) as never)),
  'unknown-label': () =>
    assemble({ bits: 32 }, (a) => {
      a.label('start');
      a.nop();
      a.jz('strat');
    }),
  'value-does-not-fit': () => assemble({ bits: 32 }, (a) => a.and(byte({ base: eax } as Address), 0x1234)),
});

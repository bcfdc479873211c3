import { defineMachine, isaIrq, place, use } from 'backplane';
import { isapc } from 'backplane/machines';
import { guestProgram } from 'backplane/runtime';
import { EggTimer, ports } from './egg-timer.ts';

/** A machine is a value: copy an existing one and add devices to its list. Here an egg timer at 0x330, on ISA IRQ 5. */
export const machine = defineMachine({
  ...isapc,
  name: 'kitchen',
  description: 'ISA PC with an egg timer',
  devices: [
    ...isapc.devices,
    use(EggTimer, { options: { tick: 500 }, interrupts: { irq: isaIrq(5) }, at: [place(ports, 0x330)] }),
  ],
});

const Vector = 0x20;

/** A guest that sleeps until the timer rings. */
export default guestProgram('cook', function* (guest) {
  // Initialize the interrupt controllers: vectors from 0x20, the slave's from 0x28, all lines but 5 masked.
  yield* guest.out8(0x20, 0x11);
  yield* guest.out8(0x21, Vector);
  yield* guest.out8(0x21, 0x04);
  yield* guest.out8(0x21, 0x01);
  yield* guest.out8(0x21, 0xff & ~(1 << 5));
  let rung = false;
  guest.onInterrupt(Vector + 5, function* () {
    rung = true;
    yield* guest.out8(0x20, 0x20);
  });
  yield* guest.sti();
  yield* guest.out8(0x330, 3);
  while (!rung) yield* guest.hlt();
});

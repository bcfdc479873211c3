// A machine is a value: spread one that exists, and add to its lists. This one is an ISA PC with an egg timer at 0x330, on
// interrupt line 5, and a guest that sleeps until it rings.
import { defineMachine, guestProgram, isaIrq, Machine, place, SECOND, use } from 'backplane';
import { isapc } from 'backplane/machines';
import { EggTimer, ports } from './egg-timer.ts';

const kitchen = defineMachine({
  ...isapc,
  name: 'kitchen',
  description: 'ISA PC with an egg timer',
  devices: [
    ...isapc.devices,
    use(EggTimer, { options: { tick: 500 }, interrupts: { irq: isaIrq(5) }, at: [place(ports, 0x330)] }),
  ],
});

const Vector = 0x20;

const cook = guestProgram('cook', function* (guest) {
  // Initialize the interrupt controllers: vectors from 0x20, lines of the slave from 0x28, everything but line 5 masked.
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

const machine = Machine.create(kitchen);
const { message } = machine.run(cook);
console.log(`The guest slept ${(machine.clock.now / SECOND).toFixed(6)} s of its own time. ${message}`);
console.log(machine.devices.map(({ id, device }) => `${id}: ${device.constructor.name}`).join('\n'));

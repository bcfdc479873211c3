import { defineMachine, isaIrq, use } from 'backplane';
import { pcI440fx } from 'backplane/machines';
import { EggTimer } from '../egg-timer.ts';

/** The machine of the page: a PC with an egg timer at 0x320, on interrupt line 5. */
export const kitchen = defineMachine({
  ...pcI440fx,
  name: 'kitchen-pc',
  aliases: [],
  description: 'PC with an egg timer',
  devices: [...pcI440fx.devices, use(EggTimer, { interrupts: { irq: isaIrq(5) } })],
});

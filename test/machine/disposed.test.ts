import { describe, it } from 'vitest';
import { use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { Latch, toyMachine, Wide } from './toys.ts';

describe('a machine that was disposed', () => {
  it.each<[string, (machine: Machine) => unknown]>([
    ['run', (machine) => machine.run([])],
    ['resume', (machine) => machine.resume()],
    ['reset', (machine) => machine.reset()],
    ['save', (machine) => machine.save()],
    ['plug', (machine) => machine.plug(use(Wide))],
    ['unplug', (machine) => machine.unplug('latch')],
    ['swap', (machine) => machine.swap('latch', Latch)],
    ['observe', (machine) => machine.observe({ name: 'none', start: () => ({ observe() {} }) })],
  ])('refuses %s()', (name, action) => {
    const machine = Machine.create({ ...toyMachine, devices: [use(Latch)] });
    machine.dispose();
    expectRefusal(() => action(machine), 'machine-disposed', "'toy'", `${name}()`);
  });

  it('may be disposed again', () => {
    const machine = Machine.create(toyMachine);
    machine.dispose();
    machine.dispose();
  });
});

import { describe, expect, it } from 'vitest';
import { Edu, Ich9Lpc, Piix3 } from '../../devices/index.ts';
import { type ConcreteDeviceClass, device, IsaBus, inDeviceEvent, MiB, use } from '../../sdk/index.ts';
import { PciBus, parsePciAddress } from '../../sdk/pci.ts';
import { Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { pcI440fx, q35 } from '../small-machines.ts';

const Line = 11;
const raise = (card: Edu) => inDeviceEvent(card, card.raiseInterrupt, 1);
const lower = (card: Edu) => inDeviceEvent(card, card.acknowledgeInterrupt, 1);

@device({ type: 'PIIX3', description: 'takes no state' })
class Refusing extends Piix3 {
  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    throw new Error('not mine');
  }
}

@device({ type: 'ICH9-LPC', description: 'takes no state' })
class RefusingLpc extends Ich9Lpc {
  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    throw new Error('not mine');
  }
}

interface Board {
  readonly definition: typeof pcI440fx;
  readonly bridge: ConcreteDeviceClass;
  /** Its registers of four routes. */
  readonly routes: readonly number[];
}

/** A machine whose bridge routes every PCI interrupt to one line, the card that interrupts, and what the line did. */
function board({ definition, bridge, routes }: Board) {
  const machine = Machine.create(definition, { ram: 1 * MiB });
  const card = machine.plug(use(Edu, { id: 'card', addr: '05.0' })).device as Edu;
  const { id = '', address } = machine.devices.find(({ device: one }) => one instanceof bridge) ?? {};
  const { slot = 0, function: number = 0 } = parsePciAddress(address ?? '') ?? {};
  for (const register of routes) {
    machine.io.write(0xcf8, 0x8000_0000 + (slot << 11) + (number << 8) + register, 4);
    machine.io.write(0xcfc, 0x0b0b_0b0b, 4);
  }
  const line = machine.service(IsaBus)?.line(Line);
  const moves: boolean[] = [];
  line?.connect((level) => moves.push(level));
  return { machine, card, id, moves };
}

describe.each([
  { name: 'PIIX3', definition: pcI440fx, bridge: Piix3, routes: [0x60], refusing: Refusing },
  { name: 'ICH9', definition: q35, bridge: Ich9Lpc, routes: [0x60, 0x68], refusing: RefusingLpc },
])('the ISA bridge $name', ({ bridge, refusing, ...rest }) => {
  it('hands the PCI interrupts to the one that takes its place', () => {
    const { machine, card, id, moves } = board({ bridge, ...rest });
    for (let turn = 0; turn < 3; turn++) machine.swap(id, bridge);
    raise(card);
    lower(card);
    expect(moves).toEqual([true, false]);
  });

  it('moves no line when it is swapped while a card interrupts', () => {
    const { machine, card, id, moves } = board({ bridge, ...rest });
    raise(card);
    const before = machine.save();
    machine.swap(id, bridge);
    expect(machine.save()).toEqual(before);
    lower(card);
    expect(moves).toEqual([true, false]);
  });

  it('goes on as it was after another one was refused', () => {
    const { machine, card, id, moves } = board({ bridge, ...rest });
    raise(card);
    const before = machine.save();
    expectRefusal(() => machine.swap(id, refusing), 'state-refused', `'${id}'`, 'not mine');
    expect(machine.save()).toEqual(before);
    lower(card);
    raise(card);
    expect(moves).toEqual([true, false, true]);
  });
});

describe('an ISA bridge that is taken out', () => {
  it('lets its lines down, and the next one hears the cards that interrupt still', () => {
    const { machine, card, id, moves } = board({ definition: pcI440fx, bridge: Piix3, routes: [0x60] });
    const bus = machine.service(PciBus);
    raise(card);
    machine.unplug(id);
    expect(moves).toEqual([true, false]);
    expect([0, 1, 2, 3].filter((pirq) => bus?.lines.isAsserted(pirq))).toHaveLength(1);
    machine.plug(use(Piix3, { id: 'next', addr: '01.0' }));
    machine.io.write(0xcf8, 0x8000_0860, 4);
    machine.io.write(0xcfc, 0x0b0b_0b0b, 4);
    expect(moves).toEqual([true, false, true]);
  });
});

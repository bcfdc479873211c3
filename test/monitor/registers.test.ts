import { describe, expect, it } from 'vitest';
import { bit, defineMachine, device, IsaDevice, portRegion, reserved, use } from '../../sdk/index.ts';
import {
  defineObserver,
  describeAccess,
  guestProgram,
  infoCoalesced,
  infoMachine,
  infoMtree,
  infoQtree,
  infoRegisters,
  Machine,
  metadataOf,
  registerDocument,
  registerFacts,
} from '../../sdk/runtime.ts';
import { sourceFiles } from '../architecture/source-files.ts';
import { toyMachine } from '../machine/toys.ts';

const ports = portRegion({ name: 'shy', base: 0x300, size: 8, accessSizes: [1] });
const status = ports.register(0, {
  width: 8,
  reset: 0x81,
  fields: { ready: bit(0, 'read-to-clear'), rest: reserved([1, 6]), error: bit(7, 'read-only') },
});
const slots = ports.register(1, { width: 8, count: 2, reset: 7 });
const ticket = ports.register(3, { width: 8, access: 'read-only' });
const command = ports.register(4, { width: 8, access: 'trigger' });
const shown = ports.register(5, { width: 8, access: 'read-only' });

/** Counts the calls of its read handlers and hooks. */
@device({ type: 'shy', description: 'Is not to be read' })
class Shy extends IsaDevice {
  @status status = 0x81;
  @slots slots = new Uint8Array([7, 7]);
  @ticket ticket = 0;
  @shown shown = 0;
  reads = 0;

  @ticket.onRead()
  take(): number {
    return ++this.reads;
  }

  @shown.onRead()
  show(): number {
    return ++this.reads;
  }

  @ports.peek(5, { length: 1 })
  lookAt(): number {
    return this.reads + 1;
  }

  @command
  start(): void {}

  @ports.read(6)
  byHand(): number {
    return ++this.reads;
  }
}

const definition = defineMachine({ ...toyMachine, name: 'shy', devices: [use(Shy, { id: 'one' })] });

describe('info registers', () => {
  it('shows what a guest would read, with fields, and says what only a read would tell', () => {
    expect(infoRegisters(Machine.create(definition))).toBe(`dev: shy, id "one"
  shy 0x0 status = 0x81 ready=1 error=1
  shy 0x1 slots[0] = 0x07
  shy 0x2 slots[1] = 0x07
  shy 0x3 ticket: unknown without a read
  shy 0x4 start: write-only
  shy 0x5 shown = 0x01
`);
  });

  it('changes nothing by that', () => {
    const machine = Machine.create(definition);
    infoRegisters(machine);
    expect(machine.io.read(0x300, 1)).toBe(0x81);
    expect(infoRegisters(machine)).toContain('status = 0x80 ready=0 error=1');
  });
});

describe('views, traces and references', () => {
  it('call no read handler and no read hook', () => {
    const machine = Machine.create(definition);
    const { reads } = machine.device(Shy);
    const accesses: string[] = [];
    machine.observe(
      defineObserver({
        name: 'trace',
        start: (running) => ({
          observe(event) {
            if (event.kind === 'access') accesses.push(describeAccess(running, event) ?? 'nothing');
          },
        }),
      }),
    );
    for (const info of [infoMachine, infoQtree, infoRegisters, infoCoalesced]) info(machine);
    for (const flat of [true, false]) infoMtree(machine, { flat, disabled: true, owners: true });
    registerDocument(metadataOf(Shy));
    registerFacts(metadataOf(Shy));
    machine.save();
    expect(machine.device(Shy).reads).toBe(reads);
    machine.run(
      guestProgram('reads once', function* (guest) {
        yield* guest.in8(0x306);
      }),
    );
    expect([machine.device(Shy).reads, accesses]).toEqual([reads + 1, ['one: shy+0x6']]);
  });

  it('have no code that reads an address space or a bank', () => {
    const files = ['sdk/monitor', 'sdk/analysis', 'sdk/coalescing', 'sdk/cli/replay'].flatMap(sourceFiles);
    expect(files.length).toBeGreaterThan(10);
    const reading = /\b(io|memory|space|bus|bank|ops|config)\.(read|read64|readBytes)\(/;
    // The commands `i` and `o` of a monitor are accesses, as in QEMU.
    const found = files.filter(({ code }) => reading.test(code)).map(({ path }) => path);
    expect(found).toEqual(['sdk/monitor/commands.ts']);
  });
});

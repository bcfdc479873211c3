import { describe, expect, it } from 'vitest';
import { Vga } from '../../devices/index.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { times } from '../depth.ts';
import { planarMode, setGraphics, setMode, setSequencer, type VgaBench } from './vga-guest.ts';
import { initialRegisters, PlaneModel, type PlaneRegisters } from './vga-model.ts';

const Start = 0xa_0000;
/** Few addresses, so that latches and earlier writes are met again; the last one is beyond 16 KiB. */
const addresses = [0, 1, 2, 3, 4, 5, 6, 7, 0x4001, 0xfffe];

function writeRegisters(bench: VgaBench, registers: PlaneRegisters): void {
  setSequencer(bench, 2, registers.mapMask);
  setSequencer(bench, 4, registers.memoryMode);
  const mode = registers.writeMode | (registers.readMode << 3) | (registers.isOddEven ? 0x10 : 0);
  const values = [
    ...[registers.setReset, registers.enableSetReset, registers.colourCompare],
    ...[registers.rotate | (registers.operation << 3), registers.readMap, mode, registers.isChained ? 0x07 : 0x05],
    ...[registers.colourDontCare, registers.bitMask],
  ];
  for (const [index, value] of values.entries()) setGraphics(bench, index, value);
}

function change(random: Random, registers: PlaneRegisters): void {
  const nibble = () => random.below(16);
  const changes: Partial<PlaneRegisters> = random.pick([
    { mapMask: random.oneIn(2) ? 15 : nibble() },
    { memoryMode: random.pick([2, 6, 6, 10, 14]) },
    { setReset: nibble(), enableSetReset: nibble() },
    { colourCompare: nibble(), colourDontCare: nibble(), readMode: random.below(2) },
    { rotate: random.below(8), operation: random.below(4) },
    { readMap: random.below(4), isOddEven: random.oneIn(2), isChained: random.oneIn(2) },
    { writeMode: random.below(4) },
    { bitMask: random.oneIn(2) ? 0xff : random.byte() },
    initialRegisters(),
  ]);
  Object.assign(registers, changes);
}

describe('the planes of a VGA', () => {
  it('are what a model of single bits says, for any registers and accesses', () => {
    for (let run = 0; run < times(20, 400); run++) {
      const random = new Random(run);
      const bench = testBench(Vga);
      const model = new PlaneModel();
      setMode(bench, planarMode);
      for (let step = 0; step < 120; step++) {
        if (random.oneIn(4)) {
          change(random, model.registers);
          writeRegisters(bench, model.registers);
        }
        const address = random.pick(addresses);
        if (random.oneIn(2)) {
          const byte = random.byte();
          bench.store8(Start + address, byte);
          model.write(address, byte);
        } else {
          const where = `run ${run}, step ${step}, address ${address}, ${JSON.stringify(model.registers)}`;
          expect(bench.load8(Start + address), where).toBe(model.read(address));
        }
      }
      for (const address of addresses) {
        for (let plane = 0; plane < 4; plane++) {
          expect(bench.device.planes.byteAt(address, plane), `run ${run}`).toBe(model.at(plane, address));
        }
      }
    }
  });
});

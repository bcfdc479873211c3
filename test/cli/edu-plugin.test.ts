import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { parseArguments } from '../../sdk/cli/command.ts';
import { chooseMachine, machineSyntax } from '../../sdk/cli/options/machine.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { EduBar, EduDriver, EduRegister } from '../devices/edu-guest.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-edu-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The card's own file, as somebody outside the tree has it: it imports the package by its name. */
function eduOutsideTheTree(): string {
  const source = readFileSync(new URL('../../devices/edu.ts', import.meta.url), 'utf8');
  const path = join(folder, 'edu.ts');
  writeFileSync(path, source.replace("'../sdk/index.ts'", "'backplane'").replace("'../sdk/pci.ts'", "'backplane/pci'"));
  return path;
}

describe('edu, as a plugin outside the tree', () => {
  it('is a file of less than 190 lines that imports nothing but backplane', () => {
    const source = readFileSync(eduOutsideTheTree(), 'utf8');
    expect(source.split('\n').length).toBeLessThan(191);
    expect([...source.matchAll(/from '([^']+)'/g)].map(([, name]) => name)).toEqual(['backplane', 'backplane/pci']);
  });

  it.each(['pin', 'messages'] as const)(
    'is found by PCI scan, mapped, and works by factorial and DMA both ways; interrupt by %s',
    async (way) => {
      const words = ['-m', '2M', '-plugin', eduOutsideTheTree(), '-device', 'edu,id=card,addr=05.0,dma_mask=0xffffff'];
      const { definition, request } = await chooseMachine(parseArguments(words, machineSyntax));
      const machine = Machine.create(definition, request);
      const card = machine.deviceById('card');
      expect(card?.device).not.toBeInstanceOf(Edu);
      expect(card?.options).toEqual({ dmaMask: 0xff_ffffn });
      const results: number[] = [];
      const program = guestProgram(function* (guest) {
        const driver = yield* EduDriver.probe(guest);
        yield* way === 'pin' ? driver.usePin(guest) : driver.useMessages(guest);
        results.push(yield* driver.factorial(guest, 10));
        for (let at = 0; at < 16; at += 4) yield* guest.store32(0x1_0000 + at, 0x0101_0101 * (at + 1));
        yield* driver.transfer(guest, 0x1_0000, 0x4_0100, 16, 0b101);
        yield* driver.transfer(guest, 0x4_0104, 0x2_0000, 8, 0b111);
        results.push(yield* guest.load32(0x2_0000), yield* guest.load32(0x2_0004));
        results.push(driver.interrupts, yield* guest.load32(EduBar + EduRegister.InterruptStatus));
      });
      expect(machine.run(program).reason).toBe('finished');
      expect(results).toEqual([3_628_800, 0x0505_0505, 0x0909_0909, 3, 0]);
      expect(machine.guestErrors).toEqual([]);
    },
  );
});

// @module-tag qemu

import { expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import { pcI440fx } from '../../machines/index.ts';
import { defineMachine, KiB, MILLISECOND, MiB, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { QemuProcess, whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import { Random } from '../../sdk/testing/random.ts';
import { needs } from '../needs.ts';
import { haltingFirmware } from './qemu-subject.ts';
import { RamMebibytes } from './script.ts';

const Bar = 0xe000_0000;
const Register = {
  Causes: 0x24,
  Acknowledge: 0x64,
  Source: 0x80,
  Destination: 0x88,
  Count: 0x90,
  Command: 0x98,
} as const;
const Command = 0x8000_2804;
const Run = 0x01;
const ToGuest = 0x02;
const InterruptWhenDone = 0x04;
const CardBuffer = { start: 0x4_0000, size: 4 * KiB } as const;
const Memory = { start: 0x1000, size: 0x2000 } as const;
const Transfers = 12;

/** The same four things can be done to both machines. */
interface Board {
  configure(register: number, value: number): Promise<void> | void;
  store(address: number, value: number): Promise<void> | void;
  load(address: number): Promise<number> | number;
  /** Until the transfer is over. */
  wait(): Promise<void> | void;
}

/** Transfers of all kinds, to addresses above the card's mask too; answers what there is to see after each. */
async function transfers(board: Board, seed: number): Promise<number[]> {
  const random = new Random(seed);
  const seen: number[] = [];
  await board.configure(Command + 0x0c, Bar);
  await board.configure(Command, 0x06);
  for (let word = 0; word < Memory.size; word += 4) await board.store(Memory.start + word, random.bits());
  for (let times = 0; times < Transfers; times++) {
    const toGuest = random.oneIn(2);
    const count = random.pick([1, 4, 7, 64, 0x200, CardBuffer.size - 1]);
    const card = CardBuffer.start + random.below(CardBuffer.size - count);
    const memory = (random.pick([0, 0, 0x1000_0000, 0xf000_0000]) + Memory.start + random.below(0x1000)) >>> 0;
    if (random.oneIn(4)) await board.configure(Command, random.oneIn(2) ? 0x02 : 0x06);
    await board.store(Bar + Register.Source, toGuest ? card : memory);
    await board.store(Bar + Register.Destination, toGuest ? memory : card);
    await board.store(Bar + Register.Count, count);
    const more = random.oneIn(2) ? InterruptWhenDone : 0;
    await board.store(Bar + Register.Command, Run | (toGuest ? ToGuest : 0) | more);
    await board.wait();
    seen.push(await board.load(Bar + Register.Command), await board.load(Bar + Register.Causes));
    if (random.oneIn(2)) await board.store(Bar + Register.Acknowledge, 0x100);
    for (let word = 0; word < Memory.size; word += 0x40) seen.push(await board.load(Memory.start + word));
  }
  return seen;
}

function ourBoard(): Board {
  const definition = defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, use(Edu, { addr: '05.0' })] });
  const { io, memory, clock } = Machine.create(definition, { ram: RamMebibytes * MiB });
  return {
    configure(register, value) {
      io.write(0xcf8, register, 4);
      io.write(0xcfc, value, 4);
    },
    store: (address, value) => void memory.write(address, value, 4),
    load: (address) => memory.read(address, 4),
    wait: () => clock.advanceTo(clock.now + 200 * MILLISECOND),
  };
}

function qemuBoard({ qtest }: QemuProcess): Board {
  const load = async (address: number) => Number(await qtest.command(`readl ${address}`));
  return {
    async configure(register, value) {
      await qtest.out32(0xcf8, register);
      await qtest.out32(0xcfc, value);
    },
    store: async (address, value) => void (await qtest.command(`writel ${address} ${value}`)),
    load,
    async wait() {
      while ((await load(Bar + Register.Command)) & Run) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

const missing = whyNoQemu();

// Time passes in QEMU only while its processor runs. It runs a firmware here that halts at once.
it(
  "edu moves what QEMU's moves, where it moves it to, and says so in the same words",
  needs('qemu', missing),
  async () => {
    const args = ['-m', `${RamMebibytes}M`, '-bios', haltingFirmware(), '-device', 'edu,addr=05.0'];
    const theirs = await QemuProcess.with({ arguments: args }, async (qemu) => {
      await qemu.qmp.execute('cont');
      return transfers(qemuBoard(qemu), 11);
    });
    expect(await transfers(ourBoard(), 11)).toEqual(theirs);
    expect(theirs.length).toBe(Transfers * (2 + Memory.size / 0x40));
  },
);

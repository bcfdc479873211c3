import { describe, expect, it } from 'vitest';
import { al, cr4, eax, ecx, edi, edx, esi } from '../../../sdk/assembler.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import {
  assembled,
  countedAccesses,
  guestOf,
  Place,
  populated,
  putCard,
  runHostile,
  type Source,
} from './hostile-code.ts';

/** A piece of a string: so many elements are not divided. */
const Piece = 1024;
const Limit = 5000;

/** An instruction that repeats, again and again: each time with these registers. */
const endless =
  (counted: number, address: number, put: Source): Source =>
  (a) => {
    putCard(a);
    a.mov(eax, 0x620);
    a.mov(cr4, eax);
    a.mov(edx, 0x71);
    a.label('again');
    a.mov(ecx, counted);
    a.mov(esi, address);
    a.mov(edi, address);
    put(a);
    a.jmp('again');
  };

/** FXSAVE or FXRSTOR: 512 bytes. Behind 0x80 the card has a buffer of addresses, whose values MXCSR can have. */
const putState =
  (modrm: number): Source =>
  (a) => {
    a.db(0x0f, 0xae, modrm);
    a.dd(Place.edu + 0x80);
  };

const All = 0xffff_ffff;
const guests: [name: string, source: Source, inOne: number][] = [
  ['REP INSB from a port', endless(All, Place.free, (a) => a.rep('insb')), Piece],
  ['REP OUTSB to a port', endless(All, Place.free, (a) => a.rep('outsb')), Piece],
  ['REP OUTSD to a port whose writes are coalesced', endless(All, Place.free, (a) => a.rep('outsd')), Piece],
  ['REP MOVSB within the memory of a card', endless(Piece, Place.edu, (a) => a.rep('movsb')), 2],
  ['REP STOSB to the memory of a card', endless(Piece, Place.edu, (a) => a.rep('stosb')), Piece],
  ['REP STOSD to the window of VGA', endless(Piece, 0xa_0000, (a) => a.rep('stosd')), Piece],
  ['REPE CMPSB of the memory of a card', endless(Piece, Place.edu, (a) => a.repe('cmpsb')), 2],
  ['FXSAVE to the memory of a card', endless(0, Place.edu, putState(0x05)), 128],
  ['FXRSTOR from the memory of a card', endless(0, Place.edu, putState(0x0d)), 128],
];

/** It repeats a byte: each element is read where the last one was written. */
const overlapping: Source = (a) => {
  a.label('again');
  a.mov(ecx, 0x4_0000);
  a.mov(esi, Place.pages);
  a.lea(edi, { base: esi, offset: 1 });
  a.rep('movsb');
  a.jmp('again');
};

describe('the limit of a run, for machine code', needs('host', whyNoX86()), () => {
  it.each(guests)('bounds the accesses of an endless loop of %s', async (_, source, inOne) => {
    const { outcome, accesses, machine, hasSameMemory } = await runHostile(source, Limit);
    expect(outcome).toMatchObject({ reason: 'operation-limit', accesses });
    expect(outcome?.message).toMatch(/stopped at its operation limit: it has made \d,\d{3} accesses\.$/);
    // The instruction that comes to the limit is ended, and so is the next one.
    expect(accesses).toBeGreaterThanOrEqual(Limit);
    expect(accesses).toBeLessThan(Limit + 2 * inOne);
    expect(outcome?.operations).toBeLessThan(Limit);
    expect(hasSameMemory).toBe(true);
    machine.dispose();
  });

  it.each(guests)('bounds a slice, and its host has its turn, in an endless loop of %s', async (_, source, inOne) => {
    const { machine } = await populated();
    machine.load(guestOf('endless', assembled(source)), {});
    const { accelerator } = machine;
    accelerator.begin({ operationLimit: 1_000_000 });
    const accesses = countedAccesses(machine);
    for (let slices = 1; slices <= 20; slices++) {
      const before = accesses();
      expect(accelerator.runSlice({ operations: 1000 })).toBe('under-way');
      // Those that wait in the ring are delivered in a later slice.
      expect(accesses() - before).toBeLessThan(1000 + 3 * inOne);
    }
    expect(accesses()).toBeGreaterThan(19 * 1000);
    machine.pause();
    expect(accelerator.runSlice({ operations: 1000 })).toMatchObject({ reason: 'paused' });
    machine.dispose();
  });

  it.each<[name: string, source: Source]>([
    ['REP STOSD where elements cross pages', endless(0x4_0000, Place.pages + 1, (a) => a.rep('stosd'))],
    ['REP MOVSB to the byte behind its source', overlapping],
    ['REP STOSB with addresses of 16 bits', endless(0xffff, 0, (a) => a.db(0x67, 0xf3, 0xaa))],
    ['REPNE SCASB with addresses of 16 bits', endless(0xffff, 0, (a) => a.db(0x67, 0xf2, 0xae))],
  ])('bounds the elements in RAM, of which 64 count as an access, in an endless loop of %s', async (_, source) => {
    const { outcome, machine, hasSameMemory } = await runHostile(source, Limit);
    expect(outcome).toMatchObject({ reason: 'operation-limit', accesses: expect.any(Number) });
    expect(outcome?.accesses).toBeGreaterThanOrEqual(Limit);
    expect(outcome?.accesses).toBeLessThan(Limit + 2 * 1024);
    expect(outcome?.operations).toBeLessThan(Limit / 10);
    expect(hasSameMemory).toBe(true);
    machine.dispose();
  });

  it('counts the reads of ROM, which no device answers', async () => {
    const { outcome, accesses } = await runHostile(
      endless(Piece, 0xffff_0000, (a) => a.rep('lodsb')),
      Limit,
    );
    expect(outcome).toMatchObject({ reason: 'operation-limit', accesses: expect.any(Number) });
    expect(outcome?.operations).toBeLessThan(Limit);
    expect(accesses).toBeLessThan(10);
  });

  it('is of instructions where a string has no elements', async () => {
    const { outcome, accesses } = await runHostile(
      endless(0, Place.edu, (a) => {
        for (const string of ['insb', 'outsb', 'movsb', 'stosd', 'lodsb'] as const) a.rep(string);
      }),
      Limit,
    );
    expect(outcome).toEqual({
      reason: 'operation-limit',
      operations: Limit,
      message: expect.stringMatching(/limit\.$/),
    });
    // Only what places the card.
    expect(accesses).toBeLessThan(10);
  });

  it('can be another one for accesses', async () => {
    const [, source] = guests[0]!;
    const none = await runHostile(source, { operationLimit: 40, accessLimit: Infinity });
    expect(none.outcome).toMatchObject({ reason: 'operation-limit', operations: 40 });
    expect(none.outcome?.accesses).toBeUndefined();
    expect(none.accesses).toBeGreaterThan(20 * Piece);
    const few = await runHostile(source, { operationLimit: 40, accessLimit: 3 * Piece });
    expect(few.outcome).toMatchObject({ reason: 'operation-limit', accesses: few.accesses });
    expect(few.accesses).toBeLessThan(5 * Piece);
  });

  it('is not reached by accesses of which each instruction makes one', async () => {
    const { outcome, accesses } = await runHostile((a) => {
      a.label('again');
      for (let port = 0; port < 50; port++) a.in(al, 0x71);
      a.jmp('again');
    }, Limit);
    expect(outcome).toMatchObject({ reason: 'operation-limit', operations: Limit });
    expect(outcome?.accesses).toBeUndefined();
    expect(accesses).toBeLessThanOrEqual(Limit);
  });
});

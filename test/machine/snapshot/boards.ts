import fc from 'fast-check';
import { Debugcon, Edu, VirtioRng } from '../../../devices/index.ts';
import { defineMachine, type MachineDefinition, use } from '../../../sdk/index.ts';
import { isapc, pcI440fx, q35 } from '../../small-machines.ts';
import type { Step } from './programs.ts';

const Memory = 0xfe00_0000;
const Ports = 0xc000;
const Console = 0x402;
/** Of the queue of random bytes: descriptors and the ring of requests; the buffer that they name. */
const Queue = 0x4_0000;
const Buffer = 0x4_8000;

/** A machine with cards in it, and how its guest makes them work. */
export interface Board {
  readonly name: string;
  readonly definition: MachineDefinition;
  /** What the guest does first, after it has set up its interrupt controllers. */
  readonly setup: readonly Step[];
  /** What it does with its cards. */
  readonly step: fc.Arbitrary<Step>;
}

const cards = [
  use(Edu, { id: 'edu', addr: '05.0' }),
  use(VirtioRng, { id: 'rng', addr: '07.0' }),
  use(Debugcon, { id: 'debugcon', options: { iobase: Console } }),
];

const configure = (slot: number, register: number, value: number): readonly Step[] => [
  ['out32', 0xcf8, 0x8000_0000 + slot * 0x800 + register],
  ['out32', 0xcfc, value],
];

/** Both cards decode, may be masters, and interrupt on ISA line 11, which is level-triggered; the queue has one request. */
const cardSetup: readonly Step[] = [
  ['out8', 0x4d1, 0x08],
  ['out8', 0xa1, 0xf6],
  ...configure(5, 0x10, Memory),
  ...configure(5, 0x04, 7),
  ...configure(7, 0x10, Ports),
  ...configure(7, 0x04, 7),
  ['store32', Queue, Buffer],
  ['store32', Queue + 8, 16],
  ['store32', Queue + 12, 2],
  ['out16', Ports + 0x0e, 0],
  ['out32', Ports + 0x08, Queue / 0x1000],
  ['out8', Ports + 0x12, 7],
];

const register = fc.constantFrom(0x04, 0x08, 0x20, 0x24, 0x60, 0x64, 0x80, 0x88, 0x90, 0x98).map((at) => Memory + at);
const value = fc.constantFrom(1, 3, 5, 7, 0x80, 0x100, 0x3000, 0x4_0000, 0x4_0010, 16, 0);

const request = fc.integer({ min: 0, max: 9 }).map((index): Step => ['store32', Queue + 0x80, index * 0x1_0000]);

const cardStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('store32' as const), register, value) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('store64' as const), register, value) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('load32' as const, 'load64' as const), register) },
  { weight: 2, arbitrary: request },
  { weight: 2, arbitrary: fc.constant<Step>(['out16', Ports + 0x10, 0]) },
  { weight: 1, arbitrary: fc.constantFrom<Step>(['out16', Ports + 0x0e, 1], ['out16', Ports + 0x0e, 0]) },
  { weight: 1, arbitrary: fc.constantFrom<Step>(['in8', Ports + 0x13], ['in16', Ports + 0x0c], ['in32', Ports + 8]) },
  // Messages instead of the pin, to vector 0x61, and back.
  { weight: 1, arbitrary: fc.constantFrom(...msiSteps()) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant('out8' as const), fc.constant(Console), fc.integer({ min: 32, max: 126 })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant('repOuts8' as const),
      fc.constant(Console),
      fc.array(fc.integer({ min: 32, max: 126 }), { maxLength: 20 }),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('pause' as const), fc.constantFrom(500_000, 2_000_000, 60_000_000)) },
);

function msiSteps(): readonly Step[] {
  return [
    ...configure(5, 0x44, 0xfee0_0000),
    ...configure(5, 0x4c, 0x61),
    ...configure(5, 0x40, 0x0001_0000),
    ...configure(5, 0x40, 0),
  ];
}

const routes = 0x0b0b_0b0b;

export const boards: readonly Board[] = [
  {
    name: 'pc',
    definition: defineMachine({ ...pcI440fx, devices: [...pcI440fx.devices, ...cards] }),
    setup: [...configure(1, 0x60, routes), ...cardSetup],
    step: cardStep,
  },
  {
    name: 'q35',
    definition: defineMachine({ ...q35, devices: [...q35.devices, ...cards] }),
    setup: [...configure(0x1f, 0x60, routes), ...configure(0x1f, 0x68, routes), ...cardSetup],
    step: cardStep,
  },
  { name: 'isapc', definition: isapc, setup: [], step: fc.constant<Step>(['in8', 0x71]) },
];

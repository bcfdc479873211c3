import type { Device, PreparedMachine } from 'backplane';
import type { ClassMetadata, ObservedDevice, PluggedDevice } from 'backplane/runtime';
import type { ConformanceSettings } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { firstArguments, members, names } from '../../sdk/cli/migrate/names.ts';
import { migrateText } from '../../sdk/cli/migrate/rewrite.ts';
import { piecesOf } from '../../sdk/cli/migrate/source-file.ts';
import { recordFile } from '../../sdk/cli/node.ts';

/** With the tables of the package, on what was written for 0.1.0. */
const migrate = (text: string) => migrateText(text, piecesOf(text, 'code'), { names, members, firstArguments });

/** What it becomes, where nothing is left and a second time changes nothing. */
function becomes(before: string): string {
  const { text, left } = migrate(before);
  expect(left).toEqual([]);
  expect(migrate(text)).toEqual({ text, changes: [], left: [] });
  return text;
}

const left = (text: string) => migrate(text).left.map(({ line, what }) => `${line}: ${what}`);

describe('the table', () => {
  it('leads to members that there are', () => {
    const now: readonly [keyof Device & keyof PluggedDevice, keyof ClassMetadata, keyof ObservedDevice] = [
      'metadata',
      'attribute',
      'inputs',
    ];
    expect([members['blueprint'], members['facet'], members['hears']].map((one) => one?.name)).toEqual(now);
    expect(members['recorded']?.wrap).toEqual({ by: recordFile.name, entry: 'backplane/node' });
    const settings: ConformanceSettings = { recorded: recordFile('uart.txt') };
    expect(Object.keys(settings)).toEqual(['recorded']);
  });

  it('names what a PreparedMachine has, and all of it', () => {
    const has: Readonly<Record<keyof PreparedMachine, true>> = {
      device: true,
      devices: true,
      memory: true,
      options: true,
      ramSize: true,
      service: true,
    };
    expect(members['prepare']?.given).toEqual({ type: 'PreparedMachine', members: Object.keys(has) });
  });

  it('holds what does not compile any more', () => {
    // @ts-expect-error: a path was a record.
    const path: ConformanceSettings = { recorded: 'uart.txt' };
    // @ts-expect-error: it is in notExercised.
    const latched: ConformanceSettings = { latched: ['irq'] };
    // @ts-expect-error: it is inputs.
    const heard: ObservedDevice = { hears: ['ISA IRQ 2'] };
    const olds = [path, latched, heard].flatMap((one) => Object.keys(one));
    expect(olds.filter((name) => !Object.hasOwn(members, name))).toEqual([]);
  });
});

describe('blueprint', () => {
  it('of a device and of what machine.plug() answers is metadata, with its facets', () => {
    expect(
      becomes(`import { blueprintOf, Machine, pciBars, use } from 'backplane';
import { Edu, PciTestdev } from 'backplane/devices';
for (const { template } of device.blueprint.regions) show(template);
const { template } = machine.plug(use(Edu, { id: 'first' })).blueprint.regions[0]!;
const bars = blueprintOf(PciTestdev).facet(pciBars) ?? machine.devices[0]?.blueprint.facet(pciBars);
const name = machine.deviceById(id)?.blueprint.deviceClass.name;
`),
    ).toBe(`import { use } from 'backplane';
import { metadataOf, Machine } from 'backplane/runtime';
import { pciBars } from 'backplane/pci';
import { Edu, PciTestdev } from 'backplane/devices';
for (const { template } of device.metadata.regions) show(template);
const { template } = machine.plug(use(Edu, { id: 'first' })).metadata.regions[0]!;
const bars = metadataOf(PciTestdev).attribute(pciBars) ?? machine.devices[0]?.metadata.attribute(pciBars);
const name = machine.deviceById(id)?.metadata.deviceClass.name;
`);
  });

  it('is reported where it may be that of something else', () => {
    const text = `import { device } from 'backplane';
show(house.blueprint);
const { blueprint } = this;
const { facet } = gem;
`;
    expect(left(text)).toEqual([
      "2: 'blueprint': if it is that of Device or PluggedDevice, it is 'metadata' now.",
      "3: 'blueprint': if it is that of Device or PluggedDevice, it is 'metadata' now.",
      "4: 'facet': if it is that of DeviceBlueprint, it is 'attribute' now.",
    ]);
    expect(migrate(text).text).toBe(text);
    const own = "import { device } from 'backplane';\nclass House { blueprint = draw(); }\nhouse.blueprint.type;\n";
    expect(migrate(own).text).toBe(own);
    expect(left(own)).toHaveLength(2);
    expect(left('house.blueprint.type;')).toEqual([]);
  });
});

describe('what a device shows on a bench', () => {
  it('is called inputs where it was heard', () => {
    expect(
      becomes(`import { blueprintOf, registerDocument } from 'backplane';
print(registerDocument(blueprintOf(Bell), { pins: ['irq', 'smoke'], hears: ['ISA IRQ 2'] }));
`),
    ).toBe(`import { metadataOf, registerDocument } from 'backplane/runtime';
print(registerDocument(metadataOf(Bell), { pins: ['irq', 'smoke'], inputs: ['ISA IRQ 2'] }));
`);
    const others = "import { device } from 'backplane';\nconst dog = { hears: ['a cat'] };\n";
    expect(becomes(others)).toBe(others);
  });
});

describe('the settings of the conformance suite', () => {
  it('take a record where they took a path', () => {
    expect(
      becomes(`import { deviceConformance } from 'backplane/testing';
import { describe, it } from 'vitest';
deviceConformance(Uart, { describe, it, recorded: 'uart.txt', runs: 3 });
deviceConformance(Timer, { describe, it, recorded: new URL('./timer.txt', import.meta.url) });
`),
    ).toBe(`import { deviceConformance } from 'backplane/testing';
import { recordFile } from 'backplane/node';
import { describe, it } from 'vitest';
deviceConformance(Uart, { describe, it, recorded: recordFile('uart.txt'), runs: 3 });
deviceConformance(Timer, { describe, it, recorded: recordFile(new URL('./timer.txt', import.meta.url)) });
`);
  });

  it('are reported where the path is worked out elsewhere', () => {
    const text = `import { checkDevice } from 'backplane/testing';
const recorded = join(folder, 'lamp.txt');
expect(checkDevice(Lamp, { ...quick, recorded })).toEqual([]);
checkDevice(Lamp, { recorded: join(folder, 'lamp.txt') });
show({ recorded: 'x' });
`;
    const what = "'recorded' takes no path any more. Write recordFile(path), with recordFile of 'backplane/node'.";
    expect(left(text)).toEqual([`3: ${what}`, `4: ${what}`]);
    expect(migrate(text).text).toBe(text);
  });

  it('that are gone say what stands for them', () => {
    expect(
      left(`import { checkDevice, deviceConformance } from 'backplane/testing';
deviceConformance(Ticker, { describe, it, latched: ['irq'] });
checkDevice(Keyboard, { dormant: [name], firstOnly: true });
checkDevice(Keyboard, {
  scratch: ['sent'],
  computed: ['received', 'identification'],
  survivesReset: ['time'],
});
const mine = { scratch: [], computed: 1 };
`),
    ).toEqual([
      "2: 'latched' of deviceConformance is gone. Name it in notExercised, with the reason.",
      "3: 'dormant' of deviceConformance is gone. Name it in notExercised, with the reason.",
      "5: 'scratch' of deviceConformance is gone. Declare the field with @state, or compute it where it is used.",
      "6: 'computed' of deviceConformance is gone. Give the register or field a read hook.",
      "7: 'survivesReset' of deviceConformance is gone. Declare the field with atReset: 'kept'.",
    ]);
  });
});

describe('prepare() of a machine', () => {
  const given = (name: string) =>
    `'${name}': prepare() is given a PreparedMachine, which has device, devices, memory, options, ramSize, service. Do it once the machine is made.`;

  it('is reported where it asks for more than it is given now', () => {
    expect(
      left(`import { defineMachine } from 'backplane';
import { isapc } from 'backplane/machines';
export const early = defineMachine({
  ...isapc,
  name: 'early',
  prepare: (machine) => machine.clock.advance(machine.ramSize),
  aliases: [],
});
export const other = { ...isapc, prepare(board) { board.io.write(0x70, 1, 1); board.memory.write(0, 1, 1); } };
export const third = { ...isapc, prepare: ({ options, topology }) => show(options, topology) };
`),
    ).toEqual([`6: ${given('clock')}`, `9: ${given('io')}`, `10: ${given('topology')}`]);
  });

  it.each([
    'prepare: fillCmos,',
    'prepare: (machine) => fillCmos(machine, lowRam),',
    'prepare: (machine) => machine.memory.writeBytes(0x5000, new Uint8Array(0x2000).fill(0xff)),',
    'prepare: (machine: Machine) => machine.clock.advance(1),',
    'prepare: async machine => machine.device(Edu), other: (machine) => machine.clock,',
    "prepare() { throw new Error('no CMOS'); }",
  ])('is left alone where it does not: %s', (code) => {
    expect(left(`import { defineMachine } from 'backplane';\ndefineMachine({ ${code} });\n`)).toEqual([]);
  });
});

it('the reset of a chipset that a program asks for is requested', () => {
  expect(becomes("import { Piix3 } from 'backplane/devices';\nmachine.device(Piix3).askForReset(4, 0);\n")).toBe(
    "import { Piix3 } from 'backplane/devices';\nmachine.device(Piix3).requestReset(4, 0);\n",
  );
});

it('methods that no declaration has any more are reported', () => {
  expect(
    left(`import { defineOptions, Machine } from 'backplane';
machine.topology.addListener({ name: 'watch', priority: 0, commit: () => commits++ }, machine.memory);
process.stdin.addListener('data', read);
expect(declared.problems(given, "device 'rtc'")).toEqual([]);
show(error.problems);
`),
  ).toEqual([
    "2: 'addListener' of MemoryTopology is gone. registerMemoryListener() of 'backplane/runtime' adds a listener; formatFlatViews() shows what is mapped.",
    "4: 'problems' of OptionSet is gone. resolve() refuses wrong values with a BackplaneError. A problem has a code and a message.",
  ]);
});

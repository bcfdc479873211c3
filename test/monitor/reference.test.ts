import { describe, expect, it } from 'vitest';
import * as devices from '../../devices/index.ts';
import {
  addCoalescedIo,
  bit,
  bits,
  containerRegion,
  type DeviceClass,
  defineOptions,
  device,
  flushCoalescedIo,
  InterruptPin,
  IsaDevice,
  indexedRegisters,
  inject,
  isaIrq,
  KiB,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  reserved,
  VirtualClock,
} from '../../sdk/index.ts';
import { bar, capability, expansionRom, PciCapabilityId, PciDevice, pci } from '../../sdk/pci.ts';
import { metadataOf, registerDocument, registerFacts } from '../../sdk/runtime.ts';

const memory = mmioRegion({ name: 'lamp', base: 0xfe00_0000, size: 0x40, accepts: { max: 8, unaligned: true } });
const ports = portRegion({ name: 'lamp-ports', base: 0x300, size: 3, accessSizes: [1], mirrored: true });
const control = memory.register(0x00, {
  width: 16,
  reset: 0x21,
  description: 'what the lamp does',
  fields: {
    on: bit(0, 'read-write', { description: 'light' }),
    hot: bit(1, 'read-to-clear'),
    burnt: bit(2, 'write-one-to-clear'),
    colour: bits(4, 6, 'read-write', { values: { Red: 1, Green: 2, Blue: 4 } }),
    unused: reserved(3, 7, [8, 15]),
  },
});
const serial = memory.register(0x08, { width: 64, access: 'constant', reset: 0xfeed_0000_0001n, description: 'a|b' });
const index = ports.register(0, { width: 8, access: 'write-only' });
const bank = indexedRegisters({ index, data: 1 });
const lampOptions = defineOptions({ watts: option.integer({ default: 60, description: 'how bright' }) });

@device({ type: 'lamp', description: 'Lamp with everything' })
@addCoalescedIo(ports, { offset: 0, size: 1 })
@flushCoalescedIo(memory)
class Lamp extends IsaDevice {
  @control control = 0x21;
  @serial serial = 0xfeed_0000_0001n;
  @memory.register(0x10, { width: 32, access: 'write-once', count: 4, stride: 8 }) readonly fuses = new Uint32Array(4);
  @memory.register(0x14, { width: 16, access: 'unimplemented' }) dimmer = 0;
  @index index = 0;
  @bank.register(0x0a, { width: 8, reset: 7, atReset: 'kept' }) kept = 7;
  @bank.register(0x10, { width: 8, count: 2, atReset: 'set-by-device' }) readonly scratch = new Uint8Array(2);

  constructor(@options(lampOptions) readonly config: OptionsOf<typeof lampOptions>) {
    super();
  }

  @control.onWrite('colour')
  changeColour(): void {}

  @control.onRead()
  measureHeat(): void {}

  @ports.write()
  ignore(): void {}

  @ports.read(2)
  readSensor(): number {
    return 0;
  }
}

const bellPorts = portRegion({ name: 'bell', base: 0x320, size: 8, implements: { max: 1 }, missing: 'silent' });
const bellOptions = defineOptions({
  line: option.integer({
    description: 'interrupt line',
    default: 7,
    range: [0, 15],
    wires: { pin: 'irq', to: isaIrq },
  }),
});

@device({ type: 'bell', description: 'Bell of every kind' })
class Bell extends IsaDevice {
  readonly irq = new InterruptPin();
  readonly smoke = new InterruptPin();

  constructor(
    @inject(VirtualClock) readonly clock: VirtualClock,
    @options(bellOptions) readonly config: OptionsOf<typeof bellOptions>,
  ) {
    super();
  }

  @bellPorts.read()
  listen(): number {
    return 0;
  }

  @bellPorts.write(1, { length: 2 })
  ringTwice(): void {}

  @bellPorts.write(4, { length: Number.POSITIVE_INFINITY })
  ring(): void {}
}

const cardPorts = portRegion({ name: 'card-ports', size: 16 });
const cardMemory = containerRegion({ name: 'card-memory', size: 64 * KiB });

@device({ type: 'card', description: 'Card with everything' })
@pci({ vendorId: 0x1234, deviceId: 0x0b17, classCode: 0x00ff, interruptPin: 'B' })
@capability({ id: PciCapabilityId.VendorSpecific, contents: [1, 2], writable: [0, 0xff] })
@expansionRom({ name: 'card.rom', size: 2 * KiB, image: new Uint8Array(3) })
@bar(0, cardPorts)
class Card extends PciDevice {
  @cardPorts.read()
  nothing(): number {
    return 0;
  }
}

@device({ type: 'better-card', description: 'Card with more' })
@bar(2, cardMemory, { is64Bit: true, prefetchable: true })
class BetterCard extends Card {}

describe('the register reference of a device', () => {
  it('says in Markdown what its declaration says', () => {
    expect(registerDocument(metadataOf(Lamp))).toBe(`# lamp

Lamp with everything. Bus: isa.

## Options

| option | takes | default | what it does |
| --- | --- | --- | --- |
| \`watts\` | an integer | \`60\` | how bright |

## Region \`lamp-ports\`

3 ports at 0x300; accesses of 1 byte. Its registers repeat past its end. Writes to 0x0 are coalesced: they may wait in the ring. An access delivers coalesced writes first. Reads without a handler return ones; that is logged as a guest error.

| offset | register | bits | access | reset |
| --- | --- | --- | --- | --- |
| 0x0 | \`index\` | 8 | write-only | 0x0 |
| 0x1, index 0xa | \`kept\` | 8 | read-write | 0x7 at power-on, then kept |
| 0x1, index 0x10 to 0x11 in steps of 1 | \`scratch[2]\` | 8 | read-write | by options |

Handled by code:

| offset | direction | bytes | what happens |
| --- | --- | --- | --- |
| 0x2 | read | 1 | read sensor |
| everywhere else | write | 1 | ignore |

## Region \`lamp\`

64 bytes of memory at 0xfe000000; accesses of 1, 2, 4 or 8 bytes, unaligned too, handled 4 bytes at a time. An access delivers coalesced writes first. Reads without a handler return zeros, writes without a handler are dropped; that is logged as a guest error.

| offset | register | bits | access | reset | side effects | description |
| --- | --- | --- | --- | --- | --- | --- |
| 0x0 | \`control\` | 16 | by field | 0x21 | read: measure heat; \`hot\`: reading clears it; \`burnt\`: writing ones clears them; \`colour\`: write: change colour | what the lamp does |
| 0x8 | \`serial\` | 64 | constant | 0xfeed00000001 |  | a\\|b |
| 0x10 to 0x28 in steps of 8 | \`fuses[4]\` | 32 | write-once | 0x0 | locks until the next reset |  |
| 0x14 | \`dimmer\` | 16 | unimplemented | 0x0 | stored, has no effect |  |

### \`control\` at 0x0

| bits | field | access | reset | values | side effects | description |
| --- | --- | --- | --- | --- | --- | --- |
| 15:8 | reserved | reserved | 0x0 |  |  |  |
| 7 | reserved | reserved | 0x0 |  |  |  |
| 6:4 | \`colour\` | read-write | 0x2 | 1 = Red, 2 = Green, 4 = Blue | write: change colour |  |
| 3 | reserved | reserved | 0x0 |  |  |  |
| 2 | \`burnt\` | write-one-to-clear | 0x0 |  | writing ones clears them |  |
| 1 | \`hot\` | read-to-clear | 0x0 |  | reading clears it |  |
| 0 | \`on\` | read-write | 0x1 |  |  | light |
`);
  });

  it('says what a device shows on a bench: where its interrupts go, and what it hears', () => {
    expect(registerDocument(metadataOf(Bell), { pins: ['irq', 'smoke'], inputs: ['ISA IRQ 2'] })).toBe(`# bell

Bell of every kind. Bus: isa. It asks the machine for \`VirtualClock\`.

## Options

| option | takes | default | what it does |
| --- | --- | --- | --- |
| \`line\` | an integer from 0 to 15 | \`7\` | interrupt line |

## Interrupts

| pin | direction | where |
| --- | --- | --- |
| \`irq\` | output | ISA IRQ 7, or what option \`line\` says |
| \`smoke\` | output | where the machine wires it |
| ISA IRQ 2 | input |  |

## Region \`bell\`

8 ports at 0x320; accesses of 1, 2 or 4 bytes, handled 1 byte at a time. Writes without a handler are dropped.

Handled by code:

| offset | direction | bytes | what happens |
| --- | --- | --- | --- |
| 0x1..0x2 | write | 1 | ring twice |
| from 0x4 on | write | 1 | ring |
| everywhere else | read | 1 | listen |
`);
  });

  it('says what the guest finds in the configuration space of a PCI card', () => {
    const text = registerDocument(metadataOf(BetterCard), { pins: ['interrupt', 'interruptOut'] });
    expect(text).toContain(`## PCI configuration

| offset | register | value |
| --- | --- | --- |
| 0x00 | vendor | 0x1234 |
| 0x02 | device | 0x0b17 |
`);
    expect(text).toContain('| 0x3d | interrupt pin | INTB |');
    expect(text).toContain(`## Base address registers

| register | region | size | prefetchable |
| --- | --- | --- | --- |
| BAR 0 at 0x10 | \`card-ports\` | 16 ports |  |
| BAR 2 at 0x18 | \`card-memory\` | 64K, 64-bit | yes |
`);
    expect(text).toContain('| 0x40 | 0x9, vendor specific | 01 02 | 00 ff |');
    expect(text).toContain('| at 0x30 | `card.rom` | 2K | 3 bytes |');
    expect(text).toContain('| `interruptOut` | output | INTB on the bus');
    expect(text).toContain('16 ports, BAR 0; accesses of');
    expect(text).toContain('0x10000 bytes for other regions, BAR 2.');
  });

  it('is there for every device of the house, with tables whose rows are whole', () => {
    for (const deviceClass of Object.values(devices).filter((exported) => typeof exported === 'function')) {
      const metadata = metadataOf(deviceClass as unknown as DeviceClass);
      const text = registerDocument(metadata);
      expect(text).toMatch(new RegExp(`^# ${metadata.type}\n`));
      const tables = text.split('\n\n').filter((block) => block.startsWith('|'));
      for (const table of tables) {
        const cells = table
          .trimEnd()
          .split('\n')
          .map((row) => row.replaceAll('\\|', '').split('|').length);
        expect(new Set(cells).size).toBe(1);
      }
      for (const { name } of metadata.registers) expect(text).toContain(`\`${name}`);
    }
  });

  it('is there as data too, without anything that JSON cannot hold', () => {
    const facts = JSON.parse(JSON.stringify(registerFacts(metadataOf(Lamp)))) as { registers: object[] };
    expect(facts).toMatchObject({ type: 'lamp', bus: 'isa', pins: [], inputs: [] });
    expect(facts).toMatchObject({ options: [{ name: 'watts', takes: 'an integer', default: '60' }] });
    expect(facts).toMatchObject({
      regions: [
        {
          name: 'lamp-ports',
          coalesced: [{ offset: 0, size: 1 }],
          handlers: expect.arrayContaining([
            { method: 'ignore', direction: 'write', offset: 0, length: null, sizes: [1] },
            { method: 'readSensor', direction: 'read', offset: 2, length: 1, sizes: [1] },
          ]),
        },
        { name: 'lamp', base: 0xfe00_0000, flushCoalescedIo: true },
      ],
    });
    expect(facts.registers).toContainEqual(
      expect.objectContaining({
        name: 'serial',
        region: 'lamp',
        width: 64,
        reset: '0xfeed00000001',
        access: 'constant',
      }),
    );
  });
});

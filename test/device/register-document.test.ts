import { describe, expect, it } from 'vitest';
import * as devices from '../../devices/index.ts';
import {
  addCoalescedIo,
  bit,
  bits,
  blueprintOf,
  type DeviceClass,
  defineOptions,
  device,
  flushCoalescedIo,
  IsaDevice,
  indexedRegisters,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  registerDocument,
  registerFacts,
  reserved,
} from '../../sdk/index.ts';

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

describe('the register reference of a device', () => {
  it('says in Markdown what its declaration says', () => {
    expect(registerDocument(blueprintOf(Lamp))).toBe(`# lamp

Lamp with everything. Bus: isa.

## Options

| option | type | default | what it does |
| --- | --- | --- | --- |
| \`watts\` | integer | \`60\` | how bright |

## Region \`lamp-ports\`

0x3 ports at 0x300; accesses of 1 bytes. Its registers repeat past its end. Writes to 0x0 are coalesced: they may wait until something asks for them.

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

0x40 bytes of memory at 0xfe000000; accesses of 1, 2, 4, 8 bytes, unaligned too. An access first delivers coalesced writes.

| offset | register | bits | access | reset | side effects | description |
| --- | --- | --- | --- | --- | --- | --- |
| 0x0 | \`control\` | 16 | by field | 0x21 | read: measure heat | what the lamp does |
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

  it('is there for every device of the house, with tables whose rows are whole', () => {
    for (const deviceClass of Object.values(devices)) {
      const blueprint = blueprintOf(deviceClass as unknown as DeviceClass);
      const text = registerDocument(blueprint);
      expect(text).toMatch(new RegExp(`^# ${blueprint.type}\n`));
      const tables = text.split('\n\n').filter((block) => block.startsWith('|'));
      for (const table of tables) {
        const cells = table
          .trimEnd()
          .split('\n')
          .map((row) => row.replaceAll('\\|', '').split('|').length);
        expect(new Set(cells).size).toBe(1);
      }
      for (const { name } of blueprint.registers) expect(text).toContain(`\`${name}`);
    }
  });

  it('is there as data too, without anything that JSON cannot hold', () => {
    const facts = JSON.parse(JSON.stringify(registerFacts(blueprintOf(Lamp)))) as { registers: object[] };
    expect(facts).toMatchObject({ type: 'lamp', bus: 'isa' });
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

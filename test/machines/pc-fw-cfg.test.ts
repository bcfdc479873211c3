import { expect, it } from 'vitest';
import { FwCfg, Pvpanic } from '../../devices/index.ts';
import { pcI440fx } from '../../machines/index.ts';
import { fillFwCfg } from '../../machines/pc-fw-cfg.ts';
import { GiB, MiB, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';

/** What QEMU 7.2 tells the firmware of a `pc-i440fx-7.2` with 16 MiB and the processor `pentium3`, captured by qtest. */
const captured = {
  'etc/smbios/smbios-anchor': '5f534d5f001f020851000000000000005f444d495f00410100000000080028',
  'etc/smbios/smbios-tables':
    '011b0001010203000000000000000000000000000000000006000051454d55005374616e646172642050432028693434304658202b205049' +
    '49582c2031393936290070632d6934343066782d372e3200000316000301010200000303030200000000000000000051454d550070632d69' +
    '34343066782d372e320000042a00040103010273060000fdf9830303000000d007d0074101ffffffffffff00000001010102000100435055' +
    '20300051454d550070632d6934343066782d372e3200001017001001030600400000feff010000000000000000000000112800110010feff' +
    'ffffffff1000090001000702000000020000000000000000000000000000000044494d4d20300051454d550000131f001300000000ff3f00' +
    '00001001000000000000000000000000000000000000200b00200000000000000000007f04007f0000',
  'etc/e820': '0000000000000000000000010000000001000000',
  'etc/boot-fail-wait': 'ffffffff',
  bootorder: '',
} as const;

const board = {
  product: 'Standard PC (i440FX + PIIX, 1996)',
  version: 'pc-i440fx-7.2',
  processorId: [0x0673, 0x0383_f9fd],
} as const;

type Configuration = Omit<Parameters<typeof fillFwCfg>[1], keyof typeof board>;

/** The files by name, in hexadecimal digits, as the guest reads them. */
function filesOf(configuration: Configuration = {}, ram: number = 16 * MiB): Record<string, string> {
  const machine = Machine.create(
    {
      ...pcI440fx,
      devices: [...pcI440fx.devices, use(FwCfg), use(Pvpanic)],
      prepare: (prepared) => fillFwCfg(prepared, { ...board, ...configuration }),
    },
    { ram },
  );
  const read = (key: number, count: number): Buffer => {
    machine.io.write(0x510, key, 2);
    return Buffer.from(Array.from({ length: count }, () => machine.io.read(0x511, 1)));
  };
  const directory = read(0x19, 4 + 64 * 32);
  const files = Array.from({ length: directory.readUInt32BE(0) }, (_, at) => {
    const entry = directory.subarray(4 + 64 * at, 68 + 64 * at);
    const name = entry.subarray(8).toString('latin1').replace(/\0+$/, '');
    return [name, read(entry.readUInt16BE(4), entry.readUInt32BE(0)).toString('hex')] as const;
  });
  return Object.fromEntries(files);
}

it('tells a firmware what QEMU tells it, byte by byte', () => {
  expect(filesOf()).toEqual({ ...captured, 'etc/pvpanic-port': '0505' });
});

it('tells RAM above 4 GiB, in e820 and in a memory range of SMBIOS', () => {
  const files = filesOf({ lowRam: { largest: 8 * MiB, ofLargeMachine: 8 * MiB } });
  const [low, above] = [
    `${'00'.repeat(8)}${'0000800000000000'}01000000`,
    `${'0000000001000000'}${'0000800000000000'}01000000`,
  ];
  expect(files['etc/e820']).toBe(low + above);
  const first = (4 * GiB) / 1024;
  const range = Buffer.alloc(8);
  range.writeUInt32LE(first, 0);
  range.writeUInt32LE(first + 8 * 1024 - 1, 4);
  expect(files['etc/smbios/smbios-tables']).toContain(`131f0113${range.toString('hex')}0010`);
});

it('tells the boot order, the time until a restart, and that the board can be switched off', () => {
  const files = filesOf({ bootOrder: ['/rom@a', '/rom@b'], rebootTimeout: 5000, canPowerOff: true });
  expect(Buffer.from(files['bootorder'] ?? '', 'hex').toString('latin1')).toBe('/rom@a\n/rom@b\0');
  expect(files).toMatchObject({ 'etc/boot-fail-wait': '88130000', 'etc/system-states': '800000010280' });
});

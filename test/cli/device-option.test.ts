import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDevice, parseGlobal } from '../../sdk/cli/options/device-request.ts';
import { parseSetting } from '../../sdk/cli/options/settings.ts';
import { defineOptions, option } from '../../sdk/device/index.ts';
import { expectRefusal } from '../refusal.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const clock = 'mc146818rtc';

async function qtree(...words: string[]): Promise<string> {
  const { status, printed, noted } = await backplane('info', 'qtree', '-machine', 'isapc', ...words);
  expect({ status, noted }).toEqual({ status: 0, noted: '' });
  return printed;
}

const refused = (...words: string[]) => backplane('info', 'qtree', '-machine', 'isapc', ...words);

/** The lines of one device in a qtree. */
function section(tree: string, id: string): string {
  return tree.split(/\n(?=\s*dev: )/).find((part) => part.includes(`id "${id}"`)) ?? '';
}

describe('-device plugs a device into the machine', () => {
  it('with its id and its options, written as QEMU writes them', async () => {
    const second = section(await qtree('-device', `${clock},id=second,iobase=0x72,irq=9,base_year=2000`), 'second');
    expect(second).toContain('ISA IRQ 9');
    expect(second).toContain('base_year = 2000');
    expect(second).toContain('ports 0000000000000072');
  });

  it('as JSON, with numbers as numbers', async () => {
    const json = JSON.stringify({ driver: clock, id: 'second', iobase: 0x72, irq: 9, lost_tick_policy: 'slew' });
    const second = section(await qtree('-device', json), 'second');
    expect(second).toContain('ports 0000000000000072');
    expect(second).toContain('lost_tick_policy = "slew"');
  });

  it('wherever its driver stands, and with a comma at the end', async () => {
    const tree = await qtree('-device', `iobase=0x72,driver=${clock},irq=9,`);
    expect(section(tree, clock)).toContain('ports 0000000000000072');
    expectRefused(await refused('-device', `${clock},driver=${clock}`), 'repeated-argument', "'driver'");
    expectRefused(await refused('-device', 'iobase=0x72'), 'malformed-setting', 'TYPE,KEY=VALUE');
    expectRefused(await refused('-device', `${clock},,`), 'unknown-device', "'mc146818rtc,'");
    expectRefused(await refused('-device', `${clock},,,irq=9`), 'unknown-device', "'mc146818rtc,'");
  });

  it('several times, each with an id of its own', async () => {
    const tree = await qtree('-device', `${clock},iobase=0x72,irq=9`, '-device', `driver=${clock},iobase=0x74,irq=10`);
    expect(section(tree, `${clock}`)).toContain('ports 0000000000000072');
    expect(section(tree, `${clock}-2`)).toContain('ports 0000000000000074');
  });

  it('and every wiring mistake comes out before anything runs', async () => {
    expectRefused(await refused('-device', `${clock},id=rtc`), undefined, "'rtc'");
    expectRefused(await refused('-device', `${clock},irq=9`), undefined, "'rtc' of device 'rtc' at 0x70");
    expectRefused(await refused('-device', 'PIIX3'), undefined, "'isapc'");
  });
});

describe('-global sets an option of every device of a type', () => {
  it('of those the machine has, and of those plugged in, whose own settings win', async () => {
    const more = [
      '-device',
      `${clock},id=b,iobase=0x72,irq=9`,
      '-device',
      `${clock},id=c,iobase=0x74,irq=10,base_year=1970`,
    ];
    const tree = await qtree('-global', `${clock}.base_year=2000`, ...more);
    expect(section(tree, 'rtc')).toContain('base_year = 2000');
    expect(section(tree, 'b')).toContain('base_year = 2000');
    expect(section(tree, 'c')).toContain('base_year = 1970');
  });

  it('in the long form too; the last one counts', async () => {
    const long = `driver=${clock},property=lost_tick_policy,value=slew`;
    expect(section(await qtree('-global', long, '-global', `${clock}.lost_tick_policy=discard`), 'rtc')).toContain(
      'lost_tick_policy = "discard"',
    );
  });

  it('warns when the machine has no such device', async () => {
    const { status, noted } = await backplane(
      'info',
      'qtree',
      '-machine',
      'empty',
      '-global',
      `${clock}.base_year=2000`,
    );
    expect(status).toBe(0);
    expect(noted).toMatch(/warning: .*the machine has no mc146818rtc/);
  });

  it('decides what a guest of run and of replay finds', async () => {
    const date = ['-global', `${clock}.date=2031-05-06T07:08:09`];
    const { status } = await backplane('replay', 'seabios-pc-tcg', ...date, '--json');
    expect(status).toBe(0);
  });
});

describe('what cannot be plugged in', () => {
  it.each<[string, string | undefined, ...string[]]>([
    ['mc146818rct', 'unknown-device', "'mc146818rct'", "'mc146818rtc'"],
    [`${clock},base_yaer=2000`, undefined, "'base_yaer'", "'base_year'"],
    [`${clock},baseyear=2000`, undefined, "'baseyear'", "'base_year'"],
    [`${clock},zzz=1`, undefined, 'id, bus, addr, base_year,'],
    [`${clock},irq=99`, undefined, "'irq'", '0 to 15'],
    [`${clock},irq=nine`, undefined, "'nine'"],
    [`${clock},lost_tick_policy=keep`, undefined, 'discard, slew'],
    [`${clock},date=tomorrow`, undefined, '2006-06-17T16:01:21'],
    [`${clock},id=9lives`, 'invalid-device-id', '"9lives"'],
    [`${clock},bus=pci.0`, 'wiring-mistakes', "'isa.0'"],
    [`${clock},addr=05.0`, 'wiring-mistakes', clock, 'no addresses'],
    [`${clock},buss=isa.0`, undefined, "'buss'", "'bus'"],
    ['edu,ADDR=5', undefined, "'ADDR'", "'addr'"],
    ['edu,multifunction=on', undefined, 'id, bus, addr, dma_mask'],
    ['i440FX,addr=20.9', 'wiring-mistakes', 'i440FX', "'pci'"],
    [`${clock},irq=8,irq=9`, 'repeated-argument', "'irq'"],
    [',irq=8', 'malformed-setting', 'TYPE,KEY=VALUE'],
    [`${clock},help`, 'misplaced-argument', `backplane -device ${clock},help`],
    [`{"driver":"${clock}","irq":"nine"}`, undefined, "'nine'"],
    [`{"driver":"${clock}","irq":8.5}`, undefined, '0 to 15'],
    [`{"driver":"${clock}","irq":true}`, 'invalid-json-value', "'irq'", 'true'],
    [`{"driver":"${clock}","irq":null}`, 'invalid-json-value', 'null'],
    [`{"driver":"${clock}","irq":[8]}`, 'invalid-json-value', '[8]'],
    [`{"driver":"${clock}","irq":{}}`, 'invalid-json-value', '{}'],
    [`{"driver":"${clock}","irq":8,"irq":9}`, 'repeated-argument', "'irq'"],
    [`{"driver":"${clock}","__proto__":{"irq":9}}`, undefined, "'__proto__'"],
    ['{"driver":"edu","addr":6}', 'malformed-setting', 'addr is 6', 'text'],
    ['{"driver":"edu","adr":"06.0"}', undefined, "'addr'"],
    ['{"driver":7}', 'malformed-setting', '"driver"'],
    ['{"driver":', 'malformed-setting', 'JSON'],
  ])('%s', async (text, code, ...named) => {
    expectRefused(await refused('-device', text), code, ...named);
  });

  it.each<[string, string | undefined, string]>([
    [`${clock}.base_yaer=2000`, undefined, "'base_year'"],
    ['mc146818rct.base_year=2000', 'unknown-device', "'mc146818rtc'"],
    [`${clock}.irq=x`, undefined, "'x'"],
    [clock, 'malformed-setting', '-global TYPE.OPTION=VALUE'],
    [`driver=${clock},property=irq`, 'malformed-setting', 'driver=, property= and value='],
  ])('-global %s', async (text, code, named) => {
    expectRefused(await refused('-global', text), code, named);
  });
});

describe("values in QEMU's grammar", () => {
  const set = defineOptions({
    mask: option.bigint({ description: 'a mask' }),
    few: option.bigint({ description: 'a few bits', range: [0n, 15n] }),
    size: option.size({ description: 'a size' }),
    flag: option.boolean({ description: 'a switch' }),
    label: option.string({ description: 'a text' }),
  });
  const value = (name: string, given: unknown) => parseSetting(set, name, given, 'card')[1];

  it.each([
    ['1', 1],
    ['64K', 65_536],
    ['64k', 65_536],
    ['1.5G', 1.5 * 2 ** 30],
    ['0x1000', 4096],
    ['512B', 512],
    ['2T', 2 ** 41],
  ])('size %s', (text, bytes) => expect(value('size', text)).toBe(bytes));

  it.each(['', '-1', '64X', '0x1000K', '1e3', '010', ' 1', '1 ', '8E'])('no size: %j', (text) => {
    expect(() => value('size', text)).toThrow('takes a size such as 64M');
  });

  it('booleans in four ways each, and a switch without a value', () => {
    expect(['on', 'yes', 'true', 'y'].map((text) => value('flag', text))).toEqual([true, true, true, true]);
    expect(['off', 'no', 'false', 'n'].map((text) => value('flag', text))).toEqual([false, false, false, false]);
    expect(parseDevice('card,flag').settings.get('flag')).toBe('on');
    expect(() => value('flag', '1')).toThrow('takes on or off');
  });

  it('-1 is all ones where an option takes any 64 bits, as QEMU has it, and nowhere else', () => {
    expect(value('mask', '-1')).toBe(2n ** 64n - 1n);
    expect(value('mask', -1)).toBe(2n ** 64n - 1n);
    expect(() => value('mask', '-0x8000000000000001')).toThrow('takes an integer from 0 to');
    expect(() => value('mask', '0x10000000000000000')).toThrow('takes an integer from 0 to');
    expect(() => value('few', '-1')).toThrow('takes an integer from 0 to 15');
    expect(() => value('few', '16')).toThrow('takes an integer from 0 to 15');
  });

  it.each([
    ['mask', '010', '8'],
    ['few', '-07', '-7'],
    ['few', '017', '15'],
  ])("%s=%s: a leading 0 is refused, since QEMU's users mean octal by it", (name, text, decimal) => {
    expect(() => value(name, text)).toThrow(`A leading 0 is octal to QEMU: write ${decimal}`);
  });

  it('64-bit numbers exactly: in JSON as a text, because JSON numbers are not', () => {
    expect(value('mask', '0xffffffffffffffff')).toBe(2n ** 64n - 1n);
    expect(value('mask', 4095)).toBe(4095n);
    expectRefusal(() => value('mask', 2 ** 53), 'invalid-json-value', '2^53', '"0x20000000000000"');
  });

  it('any text with its commas doubled, and any JSON text, arrives as it was', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 16 }), (text) => {
        fc.pre(!text.includes('\0'));
        const written = parseDevice(`card,label=${text.replaceAll(',', ',,')}`).settings.get('label');
        const json = parseDevice(JSON.stringify({ driver: 'card', label: text })).settings.get('label');
        expect([written, json]).toEqual([text, text]);
      }),
      { numRuns: 200 },
    );
  });

  it('a global value may hold dots, equals signs and commas', () => {
    expect(parseGlobal('card.label=a.b=c,d')).toMatchObject({ type: 'card', option: 'label', value: 'a.b=c,d' });
  });
});

import { describe, expect, it } from 'vitest';
import {
  BackplaneError,
  bit,
  bits,
  type Device,
  device,
  IsaDevice,
  indexedRegisters,
  mmioRegion,
  portRegion,
  type Register,
  type RegisterSpec,
  reserved,
} from '../../../sdk/index.ts';
import { DeviceBench } from '../device-bench.ts';

const region = mmioRegion({ name: 'bank', base: 0x1000, size: 0x40, implements: { max: 4 } });
const words = mmioRegion({ name: 'words', size: 0x40, accessSizes: [4] });
const widened = mmioRegion({ name: 'widened', size: 0x40, implements: { min: 4, max: 4 } });
const bytes = portRegion({ name: 'bytes', size: 4, implements: { max: 1 } });

type Place = readonly [offset: number, spec: RegisterSpec, from?: typeof region];

/** Defines a class with these registers, named `first`, `second` and so on. */
function define(...places: readonly Place[]): new () => Device {
  class Bank extends IsaDevice {}
  ['first', 'second', 'third'].slice(0, places.length).forEach((member, number) => {
    const [offset, spec, from = region] = places[number] as Place;
    attach(from.register(offset, spec as never), Bank, member);
  });
  device({ type: 'bank', description: 'registers' })(Bank);
  return Bank;
}

function attach(register: unknown, Class: { readonly prototype: object }, member: string): void {
  (register as (target: object, name: string) => void)(Class.prototype, member);
}

const word: RegisterSpec = { width: 32 };
const fields = (all: NonNullable<RegisterSpec['fields']>): RegisterSpec => ({ width: 8, fields: all });

describe('a class whose registers cannot work is refused when it is defined:', () => {
  const mistakes: readonly (readonly [what: string, places: readonly Place[], message: string])[] = [
    [
      'fields that are none',
      [[0x10, fields({})]],
      "register 'first' has fields: {}, which account for no bit. Leave fields out, or declare them all.",
    ],
    [
      'two registers in one place, both to be read',
      [
        [4, { width: 8, access: 'read-only' }],
        [4, { width: 8 }],
      ],
      "register 'first' at 0x4 of region 'bank' and register 'second' at 0x4 of region 'bank' stand in one place. Move one of them; " +
        "or, where the guest reads the one and writes the other, declare them 'read-only' and 'write-only'.",
    ],
    [
      'two registers of one name',
      [
        [0, { width: 8, name: 'status' }],
        [4, { width: 8, name: 'status' }],
      ],
      "register 'status' at 0x4 of region 'bank' has the same name as register 'status' at 0x0 of region 'bank'. " +
        'Give one of them another.',
    ],
    [
      'fields that share a bit',
      [[0x10, fields({ mode: bits(0, 3), enable: bit(3), rest: reserved([4, 7]) })]],
      "register 'first' at 0x10 of region 'bank': fields 'mode' (bits 0 to 3) and 'enable' (bit 3) overlap. " +
        'Every bit belongs to one field.',
    ],
    [
      'a field inside another',
      [[0, fields({ whole: bits(0, 7), inner: bits(2, 4) })]],
      "register 'first' at 0x0 of region 'bank': fields 'whole' (bits 0 to 7) and 'inner' (bits 2 to 4) overlap. " +
        'Every bit belongs to one field.',
    ],
    [
      'bits between two fields that nobody accounts for',
      [[0, fields({ ready: bit(0), error: bits(4, 7) })]],
      "register 'first' at 0x0 of region 'bank': bits 1 to 3, between 'ready' and 'error', belong to no field. " +
        'Name what is there, or add reserved([1, 3]).',
    ],
    [
      'a bit above all fields',
      [[0, fields({ count: bits(0, 6) })]],
      "register 'first' at 0x0 of region 'bank': bit 7, above 'count', belongs to no field. " +
        'Name what is there, or add reserved(7).',
    ],
    [
      'bits below all fields',
      [[0, fields({ count: bits(2, 7) })]],
      "register 'first' at 0x0 of region 'bank': bits 0 to 1, below 'count', belong to no field. " +
        'Name what is there, or add reserved([0, 1]).',
    ],
    [
      'a field beyond the register',
      [[0, fields({ count: bits(0, 8) })]],
      "register 'first' at 0x0 of region 'bank': field 'count' has bits 0 to 8, but the register has 0 to 7. Lowest bit first.",
    ],
    [
      'a field with its bits the wrong way round',
      [[0, fields({ count: bits(7, 0) })]],
      "register 'first' at 0x0 of region 'bank': field 'count' has bits 7 to 0, but the register has 0 to 7. Write bits(0, 7).",
    ],
    [
      'a named value that its field cannot hold',
      [[0, fields({ rate: bits(0, 7, 'read-write', { values: { Slow: 1, Fast: 256 } }) })]],
      "register 'first' at 0x0 of region 'bank': value 'Fast' of field 'rate' is 256, but it holds 0 to 255.",
    ],
    [
      'two names for one value',
      [[0, fields({ rate: bits(0, 7, 'read-write', { values: { Slow: 1, Sluggish: 1 } }) })]],
      "register 'first' at 0x0 of region 'bank': values 'Slow' and 'Sluggish' of field 'rate' are both 1. Keep one of them.",
    ],
    [
      'registers that overlap',
      [
        [0x10, word],
        [0x12, { width: 16 }],
      ],
      "register 'first' at 0x10 of region 'bank' and register 'second' at 0x12 of region 'bank' overlap. Move one of them.",
    ],
    [
      'an array that runs into a register',
      [
        [0, { width: 16, count: 4 }],
        [6, { width: 16 }],
      ],
      "register 'first' at 0x0 of region 'bank' and register 'second' at 0x6 of region 'bank' overlap. Move one of them.",
    ],
    [
      'a register outside its region',
      [[0x3e, word]],
      "register 'first' at 0x3e of region 'bank' leaves its region, which has the offsets 0x0 to 0x3f. " +
        'Move it, or make the region larger.',
    ],
    [
      'an array that leaves its region',
      [[0x30, { width: 32, count: 5 }]],
      "register 'first' at 0x30 of region 'bank' leaves its region, which has the offsets 0x0 to 0x3f. " +
        'Move it, or make the region larger.',
    ],
    [
      'a stride that lets an array overlap itself',
      [[0, { width: 32, count: 2, stride: 2 }]],
      "register 'first' at 0x0 of region 'bank': stride 2 lets its registers overlap. Give it a whole number from 4.",
    ],
    [
      'a count that is none',
      [[0, { width: 32, count: 0 }]],
      "register 'first' at 0x0 of region 'bank': count 0 is not a number of registers. Give it a whole number from 1 to 65536.",
    ],
    [
      'a reset value that does not fit',
      [[0, { width: 8, reset: 256 }]],
      "register 'first' at 0x0 of region 'bank': the reset value 256 is not one of 8 bits. Give it a whole number from 0 that fits.",
    ],
    [
      'a reset value of the wrong kind',
      [[0, { width: 64, reset: 1 } as unknown as RegisterSpec]],
      "register 'first' at 0x0 of region 'bank': the reset value 1 is not one of 64 bits. Give it a bigint from 0 that fits.",
    ],
    [
      'no width',
      [[0, { reset: 1 } as unknown as RegisterSpec]],
      "register 'first' at 0x0 of region 'bank' says no width. Give it 8, 16, 32 or 64 bits.",
    ],
    [
      'a width that no register has',
      [[0, { width: 24 } as unknown as RegisterSpec]],
      "register 'first' at 0x0 of region 'bank' has 24 bits. A register has 8, 16, 32 or 64.",
    ],
    [
      'a register narrower than anything its region implements',
      [[0, { width: 8 }, words]],
      "register 'first' at 0x0 of region 'words' has 8 bits, but the region implements no access below 4 bytes. " +
        'Declare it with 32 bits, the upper ones reserved, or let the region implement less.',
    ],
    [
      'a region that widens narrow writes',
      [[0, word, widened]],
      "register 'first' at 0x0 of region 'widened': the region accepts 1 bytes but implements 4, so a narrow write would " +
        'arrive with zeros for the bytes that the guest did not write. Let it implement what it accepts: registers merge ' +
        'narrow writes by byte.',
    ],
    [
      'a zero-extended register inside which an access can begin',
      [[2, { width: 32, narrow: 'zero-extended' }]],
      "register 'first' at 0x2 of region 'bank' is zero-extended, so every access must begin at it: at a multiple of 4 bytes, " +
        'in a region that implements aligned accesses only, and not behind a data port. Change that, or let the register ' +
        "merge 'by-byte'.",
    ],
    [
      'a misspelt word, in a file that no compiler has seen',
      [[0, { width: 32, descripton: 'x' } as unknown as RegisterSpec]],
      "register 'first' says 'descripton'. Did you mean 'description'?",
    ],
    [
      'a mode that there is not',
      [[0, { width: 32, access: 'w1c' } as unknown as RegisterSpec]],
      "register 'first' has the access 'w1c'. Known: read-write, read-only, write-only, write-one-to-clear, read-to-clear, " +
        'write-once, constant, reserved, undocumented, unimplemented.',
    ],
    [
      'a mode of a field that there is not',
      [[0, fields({ all: bits(0, 7, 'read-onyl' as 'read-only') })]],
      "register 'first': field 'all' has the access 'read-onyl'. Did you mean 'read-only'?",
    ],
    [
      'a field that is a number',
      [[0, { width: 8, fields: { go: 0 } } as unknown as RegisterSpec]],
      "register 'first': field 'go' is not one. Make it with bit, bits, reserved or undocumented.",
    ],
    [
      'a reset behaviour that there is not',
      [[0, { width: 8, atReset: 'keep' } as unknown as RegisterSpec]],
      "register 'first' has atReset 'keep'. Did you mean 'kept'?",
    ],
    [
      'an access beside fields',
      [[0, { ...fields({ all: bits(0, 7) }), access: 'read-only' }]],
      "register 'first' has an access and fields, which have their own. Leave one of them out.",
    ],
  ];

  it.each(mistakes)('%s', (_, places, message) => {
    expect(() => define(...places)).toThrow(new BackplaneError(`Class Bank: ${message}`));
  });

  it('one field of the class for two registers', () => {
    class Bank extends IsaDevice {}
    attach(region.register(0, word), Bank, 'data');
    attach(region.register(4, word), Bank, 'data');
    expect(() => device({ type: 'bank', description: '' })(Bank)).toThrow(
      "Class Bank: field 'data' holds two registers: register 'data' at 0x0 of region 'bank' and register 'data' at 0x4 of region 'bank'.",
    );
  });

  it('a register where a handler stands', () => {
    expect(() => {
      @device({ type: 'bank', description: 'both' })
      class Both extends IsaDevice {
        @region.register(4, { width: 32 }) data = 0;

        @region.read(4)
        readData(): number {
          return this.data;
        }
      }
      return Both;
    }).toThrow("Class Both: 'readData' and 'data' both read offset 0x4 of region 'bank' at 1, 2, 4 bytes.");
  });

  it('a wide access that would run from a register into a handler', () => {
    expect(() => {
      @device({ type: 'bank', description: 'both' })
      class Mixed extends IsaDevice {
        @region.register(4, { width: 8 }) data = 0;

        @region.read(5, { size: 1 })
        readNext(): number {
          return this.data;
        }
      }
      return Mixed;
    }).toThrow(
      "Class Mixed: an access of up to 4 bytes to register 'data' of region 'bank' can run into what handler 'readNext' answers " +
        'for. Let the region implement single bytes only, or make it a register.',
    );
  });

  it('a register that does not begin where accesses do, with a handler behind it', () => {
    const pairs = mmioRegion({ name: 'pairs', size: 8, accessSizes: [2] });
    expect(() => {
      @device({ type: 'bank', description: 'crooked' })
      class Crooked extends IsaDevice {
        @pairs.register(1, { width: 16 }) data = 0;

        @pairs.read(3, { length: 1 })
        readNext(): number {
          return this.data;
        }
      }
      return Crooked;
    }).toThrow(
      "an access of up to 2 bytes to register 'data' of region 'pairs' can run into what handler 'readNext' answers for.",
    );
  });

  it('a register of a subclass on top of one of its base', () => {
    const Base = define([0, word]);
    class Sub extends (Base as new () => IsaDevice) {}
    attach(region.register(2, { width: 16 }), Sub, 'upper');
    expect(() => device({ type: 'sub', description: '' })(Sub)).toThrow(
      "Class Sub: register 'first' at 0x0 of region 'bank' and register 'upper' at 0x2 of region 'bank' overlap. Move one of them.",
    );
  });

  it('a register that a subclass declares again elsewhere', () => {
    const Base = define([0, word]);
    class Sub extends (Base as new () => IsaDevice) {}
    attach(region.register(4, word), Sub, 'first');
    expect(() => device({ type: 'sub', description: '' })(Sub)).toThrow(
      "Class Sub: register 'first' at 0x4 of region 'bank' declares anew what its base class has elsewhere: " +
        "register 'first' at 0x0 of region 'bank'.",
    );
  });

  it('a static register', () => {
    class Bank extends IsaDevice {}
    expect(() => (region.register(0, word) as unknown as (target: object, name: string) => void)(Bank, 'data')).toThrow(
      "Bank.data: the register at 0x0 of region 'bank' cannot be static: every device has its own. Remove 'static'.",
    );
  });

  it('a register on an accessor or a method, which hold nothing', () => {
    const onAccessor = () => {
      class Bank extends IsaDevice {
        @region.register(0, word) get status(): number {
          return 1;
        }
      }
      return Bank;
    };
    expect(onAccessor).toThrow(
      "Bank.status: the register at 0x0 of region 'bank' needs a field that holds its value, and this is an accessor. " +
        'For what happens on an access, use its onRead and onWrite.',
    );
  });
});

describe('a hook that would never be called is refused when its class is defined:', () => {
  const mode = {
    width: 32,
    fields: { mode: bits(0, 3), done: bit(4, 'read-only'), go: bit(5, 'write-only'), rest: reserved([6, 31]) },
  } as const;
  type Hooked = Pick<Register<RegisterSpec>, 'onRead' | 'onWrite'>;

  const hooked = (spec: RegisterSpec, add: (register: Hooked) => readonly unknown[], without = false) => {
    class Bank extends IsaDevice {}
    const register = region.register(8, spec as never);
    if (!without) attach(register, Bank, 'status');
    add(register as unknown as Hooked).forEach((hook, number) => {
      (hook as (target: object, name: string) => void)(Bank.prototype, `hook${number + 1}`);
    });
    return () => device({ type: 'bank', description: '' })(Bank);
  };
  const field = (name: string) => name as never;

  it('of a field that the register does not have', () => {
    expect(hooked(mode, (register) => [register.onWrite(field('mood'))])).toThrow(
      "Class Bank: hook 'hook1', onWrite of register 'status' at 0x8 of region 'bank': it has no field 'mood'. " +
        "It has 'mode', 'done', 'go', 'rest'.",
    );
    expect(hooked(word, (register) => [register.onRead(field('mode'))])).toThrow(
      "it has no field 'mode'. It has no fields.",
    );
  });

  it('of a register or field that writes never change', () => {
    expect(hooked({ width: 32, access: 'read-only' }, (register) => [register.onWrite()])).toThrow(
      "Class Bank: hook 'hook1', onWrite of register 'status' at 0x8 of region 'bank': the register is read-only, so a write " +
        'never changes it. Give it another access, or drop the hook.',
    );
    expect(hooked(mode, (register) => [register.onWrite(field('done'))])).toThrow(
      "field 'done' is read-only, so a write never",
    );
    expect(hooked(mode, (register) => [register.onWrite(field('rest'))])).toThrow(
      "field 'rest' is reserved, so a write never",
    );
  });

  it('of a field that nobody reads', () => {
    expect(hooked(mode, (register) => [register.onRead(field('go'))])).toThrow(
      "onRead of register 'status' at 0x8 of region 'bank': field 'go' is write-only, so nobody reads it. " +
        'Give it another access, or drop the hook.',
    );
  });

  it('twice for the same', () => {
    expect(hooked(mode, (register) => [register.onWrite(), register.onRead(), register.onWrite()])).toThrow(
      "Class Bank: 'hook1' and 'hook3' are both onWrite of the same register. Keep one.",
    );
    expect(hooked(mode, (register) => [register.onWrite(field('mode')), register.onWrite()])).not.toThrow();
  });

  it('for a register that no field of the class holds', () => {
    expect(hooked(mode, (register) => [register.onWrite()], true)).toThrow(
      "Class Bank: hook 'hook1' is for a register at 0x8 of region 'bank' that the class does not have. " +
        'Put the register in front of the field that holds it.',
    );
  });
});

describe('indexed registers are refused', () => {
  const index = bytes.register(0, { width: 8 });

  it('when their index register is no field of the class', () => {
    class Bank extends IsaDevice {}
    attach(indexedRegisters({ index, data: 1 }).register(3, { width: 8 }), Bank, 'third');
    expect(() => device({ type: 'bank', description: '' })(Bank)).toThrow(
      "Class Bank: register 'third' is chosen by an index register of region 'bytes' that the class does not have. " +
        'Put it in front of the field that holds the index.',
    );
  });

  it('when two have one number, or one data port shows two widths', () => {
    const both = (first: unknown, second: unknown) => {
      class Bank extends IsaDevice {}
      attach(index, Bank, 'index');
      attach(first, Bank, 'first');
      attach(second, Bank, 'second');
      return () => device({ type: 'bank', description: '' })(Bank);
    };
    const bank = indexedRegisters({ index, data: 1 });
    expect(both(bank.register(3, { width: 8, count: 4 }), bank.register(5, { width: 8 }))).toThrow(
      "Class Bank: register 'first' at index 0x3 of region 'bytes' and register 'second' at index 0x5 of region 'bytes' overlap.",
    );
    expect(both(bank.register(3, { width: 8 }), bank.register(5, { width: 16 }))).toThrow(
      "Class Bank: register 'first' at index 0x3 of region 'bytes' and register 'second' at index 0x5 of region 'bytes' share " +
        'a data port, but not their width and index register. Declare both from one indexedRegisters(...) with one width.',
    );
    expect(both(bank.register(3, { width: 8 }), bytes.register(1, { width: 8 }))).toThrow('overlap. Move one of them.');
    expect(both(bank.register(3, { width: 8 }), bank.register(4, { width: 8 }))).not.toThrow();
  });

  it('when no value of their index register chooses them', () => {
    const narrow = bytes.register(0, { width: 8, fields: { number: bits(2, 4), rest: reserved([0, 1], [5, 7]) } });
    const bank = indexedRegisters({ index: narrow, field: 'number', data: 1 });
    const with_ = (register: unknown) => () => {
      class Bank extends IsaDevice {}
      attach(narrow, Bank, 'index');
      attach(register, Bank, 'drawers');
      device({ type: 'bank', description: '' })(Bank);
    };
    expect(with_(bank.register(0, { width: 8, count: 8 }))).not.toThrow();
    expect(with_(bank.register(0, { width: 8, count: 3, stride: 4 }))).toThrow(
      "Class Bank: register 'drawers' at index 0x0 of region 'bytes' is out of reach: its last index is 0x8, and the 3 bits of " +
        "'index' that choose go to 0x7. Give them more bits, or move the register.",
    );
    expect(with_(indexedRegisters({ index: narrow, data: 1 }).register(256, { width: 8 }))).toThrow(
      "its last index is 0x100, and the 8 bits of 'index' that choose go to 0xff.",
    );
  });

  it('when they are chosen by an array or 64 bits wide', () => {
    const array = bytes.register(0, { width: 8, count: 2 });
    expect(() => indexedRegisters({ index: array, data: 3 })).toThrow(
      "Region 'bytes': registers cannot be chosen by an array or by 64 bits. Give the index a register of its own, of 8, 16 or 32 bits.",
    );
    expect(() => indexedRegisters({ index, data: 1 }).register(1, { width: 64 })).toThrow(
      "Region 'bytes': a data port shows up to 32 bits, not 64.",
    );
  });
});

describe('a device whose fields cannot hold its registers is refused when it is realized:', () => {
  const realize = (spec: RegisterSpec, held: unknown) => {
    const Bank = define([0, spec]);
    return () => new DeviceBench().realize(Object.assign(new Bank(), { first: held }));
  };

  it.each<[string, RegisterSpec, unknown, string]>([
    ['nothing', word, undefined, 'holds nothing instead of a number. Set it where it is declared.'],
    ['a string', word, 'x', 'holds a string instead of a number. Set it where it is declared.'],
    ['a number of 64 bits', { width: 64 }, 0, 'holds a number instead of a bigint. Set it where it is declared.'],
    [
      'another value than it has after a reset',
      { width: 32, reset: 16 },
      1,
      "starts as 0x1, but its reset value is 0x10. Let both say the same, or declare it atReset: 'set-by-device'.",
    ],
    [
      'a short array',
      { width: 16, count: 4 },
      new Uint16Array(3),
      'must be a new Uint16Array(4), but it is 3 of them.',
    ],
    [
      'an array of another width',
      { width: 16, count: 4 },
      new Uint8Array(4),
      'must be a new Uint16Array(4), but it is a Uint8Array.',
    ],
  ])('%s', (_, spec, held, message) => {
    expect(realize(spec, held)).toThrow(new BackplaneError(`Class Bank: field 'first', a register, ${message}`));
  });

  it('but what the device sets by itself may start as it likes', () => {
    expect(realize({ width: 32, reset: 16, atReset: 'set-by-device' }, 1)).not.toThrow();
    expect(realize({ width: 32, reset: 16 }, 16)).not.toThrow();
  });
});

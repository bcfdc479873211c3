import { describe, expect, it } from 'vitest';
import {
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
import { expectRefusal } from '../../refusal.ts';
import { DeviceBench } from '../device-bench.ts';

const region = mmioRegion({ name: 'bank', base: 0x1000, size: 0x40, implements: { max: 4 } });
const words = mmioRegion({ name: 'words', size: 0x40, accessSizes: [4] });
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
  const mistakes: [what: string, places: readonly Place[], code: string, ...named: string[]][] = [
    ['fields that are none', [[0x10, fields({})]], 'register-bits-unassigned', 'first'],
    [
      'two registers in one place, both to be read',
      [
        [4, { width: 8, access: 'read-only' }],
        [4, { width: 8 }],
      ],
      'register-overlap',
      'first',
      '0x4',
      'bank',
      'second',
    ],
    [
      'two registers of one name',
      [
        [0, { width: 8, name: 'status' }],
        [4, { width: 8, name: 'status' }],
      ],
      'register-name-taken',
      'status',
      '0x4',
      'bank',
      '0x0',
    ],
    [
      'fields that share a bit',
      [[0x10, fields({ mode: bits(0, 3), enable: bit(3), rest: reserved([4, 7]) })]],
      'register-fields-overlap',
      'first',
      '0x10',
      'bank',
      'mode',
    ],
    [
      'a field inside another',
      [[0, fields({ whole: bits(0, 7), inner: bits(2, 4) })]],
      'register-fields-overlap',
      'first',
      '0x0',
      'bank',
      'whole',
    ],
    [
      'bits between two fields that nobody accounts for',
      [[0, fields({ ready: bit(0), error: bits(4, 7) })]],
      'register-bits-unassigned',
      'first',
      '0x0',
      'bank',
      'ready',
    ],
    [
      'a bit above all fields',
      [[0, fields({ count: bits(0, 6) })]],
      'register-bits-unassigned',
      'first',
      '0x0',
      'bank',
      'count',
    ],
    [
      'bits below all fields',
      [[0, fields({ count: bits(2, 7) })]],
      'register-bits-unassigned',
      'first',
      '0x0',
      'bank',
      'count',
    ],
    [
      'a field beyond the register',
      [[0, fields({ count: bits(0, 8) })]],
      'invalid-register-field',
      'first',
      '0x0',
      'bank',
      'count',
    ],
    [
      'a field with its bits the wrong way round',
      [[0, fields({ count: bits(7, 0) })]],
      'invalid-register-field',
      'first',
      '0x0',
      'bank',
      'count',
    ],
    [
      'a named value that its field cannot hold',
      [[0, fields({ rate: bits(0, 7, 'read-write', { values: { Slow: 1, Fast: 256 } }) })]],
      'invalid-field-value',
      'first',
      '0x0',
      'bank',
      'Fast',
    ],
    [
      'two names for one value',
      [[0, fields({ rate: bits(0, 7, 'read-write', { values: { Slow: 1, Sluggish: 1 } }) })]],
      'invalid-field-value',
      'first',
      '0x0',
      'bank',
      'Slow',
    ],
    [
      'registers that overlap',
      [
        [0x10, word],
        [0x12, { width: 16 }],
      ],
      'register-overlap',
      'first',
      '0x10',
      'bank',
      'second',
    ],
    [
      'an array that runs into a register',
      [
        [0, { width: 16, count: 4 }],
        [6, { width: 16 }],
      ],
      'register-overlap',
      'first',
      '0x0',
      'bank',
      'second',
    ],
    ['a register outside its region', [[0x3e, word]], 'range-outside-region', 'first', '0x3e', 'bank', '0x0'],
    [
      'an array that leaves its region',
      [[0x30, { width: 32, count: 5 }]],
      'range-outside-region',
      'first',
      '0x30',
      'bank',
      '0x0',
    ],
    [
      'a stride that lets an array overlap itself',
      [[0, { width: 32, count: 2, stride: 2 }]],
      'invalid-register-count',
      'first',
      '0x0',
      'bank',
    ],
    ['a count that is none', [[0, { width: 32, count: 0 }]], 'invalid-register-count', 'first', '0x0', 'bank'],
    ['a reset value that does not fit', [[0, { width: 8, reset: 256 }]], 'invalid-reset-value', 'first', '0x0', 'bank'],
    [
      'a reset value of the wrong kind',
      [[0, { width: 64, reset: 1 } as unknown as RegisterSpec]],
      'invalid-reset-value',
      'first',
      '0x0',
      'bank',
    ],
    ['no width', [[0, { reset: 1 } as unknown as RegisterSpec]], 'invalid-register-width', 'first', '0x0', 'bank'],
    [
      'a width that no register has',
      [[0, { width: 24 } as unknown as RegisterSpec]],
      'invalid-register-width',
      'first',
      '0x0',
      'bank',
    ],
    [
      'a register narrower than anything its region implements',
      [[0, { width: 8 }, words]],
      'register-narrower-than-access',
      'first',
      '0x0',
      'words',
    ],
    [
      'a zero-extended register inside which an access can begin',
      [[2, { width: 32, narrow: 'zero-extended' }]],
      'zero-extended-misplaced',
      'first',
      '0x2',
      'bank',
    ],
    [
      'a misspelt word, in a file that no compiler has seen',
      [[0, { width: 32, descripton: 'x' } as unknown as RegisterSpec]],
      'unknown-word',
      'first',
      'descripton',
    ],
    [
      'a mode that there is not',
      [[0, { width: 32, access: 'w1c' } as unknown as RegisterSpec]],
      'unknown-word',
      'first',
      'w1c',
    ],
    [
      'a mode of a field that there is not',
      [[0, fields({ all: bits(0, 7, 'read-onyl' as 'read-only') })]],
      'unknown-word',
      'first',
      'all',
      'read-onyl',
    ],
    [
      'a field that is a number',
      [[0, { width: 8, fields: { go: 0 } } as unknown as RegisterSpec]],
      'invalid-register-field',
      'first',
      'go',
    ],
    [
      'a reset behaviour that there is not',
      [[0, { width: 8, atReset: 'keep' } as unknown as RegisterSpec]],
      'unknown-word',
      'first',
      'keep',
    ],
    [
      'an access beside fields',
      [[0, { ...fields({ all: bits(0, 7) }), access: 'read-only' }]],
      'register-access-and-fields',
      'first',
    ],
  ];

  it.each<[string, readonly Place[], code: string, ...named: string[]]>(mistakes)('%s', (_, places, code, ...named) => {
    expectRefusal(() => define(...places), code, 'Bank', ...named);
  });

  it('one field of the class for two registers', () => {
    class Bank extends IsaDevice {}
    attach(region.register(0, word), Bank, 'data');
    attach(region.register(4, word), Bank, 'data');
    expectRefusal(
      () => device({ type: 'bank', description: '' })(Bank),
      'register-name-taken',
      'Bank',
      'data',
      '0x0',
      'bank',
    );
  });

  it('a register where a handler stands', () => {
    expectRefusal(
      () => {
        @device({ type: 'bank', description: 'both' })
        class Both extends IsaDevice {
          @region.register(4, { width: 32 }) data = 0;

          @region.read(4)
          readData(): number {
            return this.data;
          }
        }
        return Both;
      },
      'handler-overlap',
      'Both',
      'readData',
      'data',
      '0x4',
    );
  });

  it('a wide access that would run from a register into a handler', () => {
    expectRefusal(
      () => {
        @device({ type: 'bank', description: 'both' })
        class Mixed extends IsaDevice {
          @region.register(4, { width: 8 }) data = 0;

          @region.read(5, { size: 1 })
          readNext(): number {
            return this.data;
          }
        }
        return Mixed;
      },
      'register-access-reaches-handler',
      'Mixed',
      'data',
      'bank',
      'readNext',
    );
  });

  it('a register that does not begin where accesses do, with a handler behind it', () => {
    const pairs = mmioRegion({ name: 'pairs', size: 8, accessSizes: [2] });
    expectRefusal(
      () => {
        @device({ type: 'bank', description: 'crooked' })
        class Crooked extends IsaDevice {
          @pairs.register(1, { width: 16 }) data = 0;

          @pairs.read(3, { length: 1 })
          readNext(): number {
            return this.data;
          }
        }
        return Crooked;
      },
      'register-access-reaches-handler',
      'data',
      'pairs',
      'readNext',
    );
  });

  it('a register of a subclass on top of one of its base', () => {
    const Base = define([0, word]);
    class Sub extends (Base as new () => IsaDevice) {}
    attach(region.register(2, { width: 16 }), Sub, 'upper');
    expectRefusal(
      () => device({ type: 'sub', description: '' })(Sub),
      'register-overlap',
      'Sub',
      'first',
      '0x0',
      'bank',
    );
  });

  it('a register that a subclass declares again elsewhere', () => {
    const Base = define([0, word]);
    class Sub extends (Base as new () => IsaDevice) {}
    attach(region.register(4, word), Sub, 'first');
    expectRefusal(
      () => device({ type: 'sub', description: '' })(Sub),
      'register-redeclared',
      'Sub',
      'first',
      '0x4',
      'bank',
    );
  });

  it('a static register', () => {
    class Bank extends IsaDevice {}
    expectRefusal(
      () => (region.register(0, word) as unknown as (target: object, name: string) => void)(Bank, 'data'),
      'static-member',
      '0x0',
      'bank',
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
    expectRefusal(
      hooked(mode, (register) => [register.onWrite(field('mood'))]),
      'register-hook-unknown-field',
      'Bank',
      'hook1',
      'status',
      '0x8',
    );
    expectRefusal(
      hooked(word, (register) => [register.onRead(field('mode'))]),
      'register-hook-unknown-field',
      'mode',
    );
  });

  it('of a register or field that writes never change', () => {
    expectRefusal(
      hooked({ width: 32, access: 'read-only' }, (register) => [register.onWrite()]),
      'register-hook-never-called',
      'Bank',
      'hook1',
      'status',
      '0x8',
    );
    expectRefusal(
      hooked(mode, (register) => [register.onWrite(field('done'))]),
      'register-hook-never-called',
      'done',
    );
    expectRefusal(
      hooked(mode, (register) => [register.onWrite(field('rest'))]),
      'register-hook-never-called',
      'rest',
    );
  });

  it('of a field that nobody reads', () => {
    expectRefusal(
      hooked(mode, (register) => [register.onRead(field('go'))]),
      'register-hook-never-called',
      'status',
      '0x8',
      'bank',
      'go',
    );
  });

  it('twice for the same', () => {
    expectRefusal(
      hooked(mode, (register) => [register.onWrite(), register.onRead(), register.onWrite()]),
      'register-hook-twice',
      'Bank',
      'hook1',
      'hook3',
    );
    expect(hooked(mode, (register) => [register.onWrite(field('mode')), register.onWrite()])).not.toThrow();
  });

  it('for a register that no field of the class holds', () => {
    expectRefusal(
      hooked(mode, (register) => [register.onWrite()], true),
      'register-hook-without-register',
      'Bank',
      'hook1',
      '0x8',
      'bank',
    );
  });
});

describe('indexed registers are refused', () => {
  const index = bytes.register(0, { width: 8 });

  it('when their index register is no field of the class', () => {
    class Bank extends IsaDevice {}
    attach(indexedRegisters({ index, data: 1 }).register(3, { width: 8 }), Bank, 'third');
    expectRefusal(
      () => device({ type: 'bank', description: '' })(Bank),
      'missing-index-register',
      'Bank',
      'third',
      'bytes',
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
    expectRefusal(
      both(bank.register(3, { width: 8, count: 4 }), bank.register(5, { width: 8 })),
      'register-overlap',
      'Bank',
      'first',
      '0x3',
      'bytes',
    );
    expectRefusal(
      both(bank.register(3, { width: 8 }), bank.register(5, { width: 16 })),
      'data-port-mismatch',
      'Bank',
      'first',
      '0x3',
      'bytes',
    );
    expectRefusal(both(bank.register(3, { width: 8 }), bytes.register(1, { width: 8 })), 'register-overlap');
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
    expectRefusal(
      with_(bank.register(0, { width: 8, count: 3, stride: 4 })),
      'register-index-out-of-reach',
      'Bank',
      'drawers',
      '0x0',
      'bytes',
    );
    expectRefusal(
      with_(indexedRegisters({ index: narrow, data: 1 }).register(256, { width: 8 })),
      'register-index-out-of-reach',
      '0x100',
      'index',
      '0xff',
    );
  });

  it('when they are chosen by an array or 64 bits wide', () => {
    const array = bytes.register(0, { width: 8, count: 2 });
    expectRefusal(() => indexedRegisters({ index: array, data: 3 }), 'invalid-index-register', 'bytes');
    expectRefusal(
      () => indexedRegisters({ index, data: 1 }).register(1, { width: 64 }),
      'invalid-register-width',
      'bytes',
    );
  });
});

describe('a device whose fields cannot hold its registers is refused when it is realized:', () => {
  const realize = (spec: RegisterSpec, held: unknown) => {
    const Bank = define([0, spec]);
    return () => new DeviceBench().realize(Object.assign(new Bank(), { first: held }));
  };

  it.each<[string, RegisterSpec, unknown, code: string, ...named: string[]]>([
    ['nothing', word, undefined, 'register-field-mismatch'],
    ['a string', word, 'x', 'register-field-mismatch'],
    ['a number of 64 bits', { width: 64 }, 0, 'register-field-mismatch'],
    ['another value than it has after a reset', { width: 32, reset: 16 }, 1, 'register-field-mismatch', '0x1', '0x10'],
    ['a short array', { width: 16, count: 4 }, new Uint16Array(3), 'register-field-mismatch'],
    ['an array of another width', { width: 16, count: 4 }, new Uint8Array(4), 'register-field-mismatch'],
  ])('%s', (_, spec, held, code, ...named) => {
    expectRefusal(realize(spec, held), code, 'Bank', ...named);
  });

  it('but what the device sets by itself may start as it likes', () => {
    expect(realize({ width: 32, reset: 16, atReset: 'set-by-device' }, 1)).not.toThrow();
    expect(realize({ width: 32, reset: 16 }, 16)).not.toThrow();
  });
});

import { describe, expect, it } from 'vitest';
import {
  addCoalescedIo,
  type CoalescedDeclaration,
  containerRegion,
  contains,
  Device,
  defineOptions,
  device,
  flushCoalescedIo,
  type HandledRegionSpec,
  type HandlerOptions,
  IsaDevice,
  indexedRegisters,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  portRegion,
  state,
} from '../../sdk/index.ts';
import { msi, PciDevice, pci } from '../../sdk/pci.ts';
import { metadataOf } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { DeviceBench } from './device-bench.ts';

const ports = portRegion({ name: 'ports', base: 0x70, size: 2, accessSizes: [1] });
const data = portRegion({ name: 'data', base: 0x72, size: 4 });
const registers = mmioRegion({ name: 'registers', size: 0x100, accessSizes: [4, 8] });
const wide = mmioRegion({ name: 'wide', size: 0x100, accepts: { min: 1, max: 4 }, implements: { min: 4, max: 4 } });
const eights = mmioRegion({ name: 'eights', size: 0x100, accessSizes: [8] });
const box = containerRegion({ name: 'box', size: 0x100 });
const describeDevice = () => device({ type: 'chip', description: 'A chip' });

describe('a region refuses', () => {
  const port = (spec: Partial<HandledRegionSpec>) => () => portRegion({ name: 'r', size: 4, ...spec });

  it.each<[string, () => unknown, code: string, ...named: string[]]>([
    ['no name', port({ name: '' }), 'region-without-name'],
    ['no bytes', port({ size: 0 }), 'invalid-region-size', 'r'],
    ['half a byte', port({ size: 1.5 }), 'invalid-region-size', 'r'],
    ['a base that is no address', port({ base: -1 }), 'invalid-region-base', 'r'],
    ['a broken priority', port({ priority: 0.5 }), 'invalid-priority', 'r'],
    ['more ports than there are', port({ size: 0x1_0001 }), 'invalid-region-size', 'r', '0x10001', '0x10000'],
    ['ports past the last one', port({ base: 0xfffe }), 'invalid-region-base', 'r', '0xfffe', '0x10001', '0xffff'],
    ['widths that are none', port({ accessSizes: [3] }), 'invalid-access-sizes', 'r'],
    ['widths with a hole', port({ accessSizes: [1, 4] }), 'invalid-access-sizes', 'r'],
    ['no widths', () => mmioRegion({ name: 'r', size: 4, accessSizes: [] }), 'invalid-access-sizes', 'r'],
    ['eight bytes at a port', port({ accessSizes: [4, 8] }), 'invalid-access-sizes', 'r'],
    ['widths said twice', port({ accessSizes: [1], implements: { max: 1 } }), 'invalid-access-sizes', 'r'],
    ['a smallest width above the largest', port({ accepts: { min: 4, max: 2 } }), 'invalid-access-sizes', 'r'],
    [
      'a width that is no power of two',
      () => mmioRegion({ name: 'r', size: 4, implements: { max: 3 } }),
      'invalid-access-sizes',
      'r',
    ],
  ])('%s', (_, mistake, code, ...named) => {
    expectRefusal(mistake, code, ...named);
  });
});

describe('a handler is refused', () => {
  /** A class with one write handler, and another if given. */
  function withHandlers(first: MethodDecorator, second: MethodDecorator = () => {}): () => void {
    return () => {
      @describeDevice()
      class Chip extends IsaDevice {
        @first
        one(): void {}
        @second
        other(): void {}
      }
      return Chip;
    };
  }
  const write = (offset?: number, options?: HandlerOptions) => ports.write(offset, options) as MethodDecorator;

  it.each<[string, () => unknown, code: string, ...named: string[]]>([
    ['outside its region', withHandlers(write(2)), 'range-outside-region', 'Chip', 'one', 'ports', '0x2'],
    [
      'at the address instead of the offset',
      withHandlers(write(0x70)),
      'range-outside-region',
      'Chip',
      'one',
      'ports',
      '0x70',
    ],
    [
      'when it covers more than its region',
      withHandlers(write(1, { length: 2 })),
      'range-outside-region',
      'Chip',
      'one',
      'ports',
      '0x1',
    ],
    ['when it covers nothing', withHandlers(write(1, { length: 0 })), 'empty-range', 'Chip', 'one', 'ports'],
    [
      'at a width that does not fit behind its offset',
      withHandlers(data.write(2, { size: 4 }) as MethodDecorator),
      'range-outside-region',
      'Chip',
      'one',
      'data',
      '0x2',
    ],
    [
      'at a width that the region never hands to it',
      withHandlers(write(0, { size: 2 })),
      'handler-size-not-implemented',
      'Chip',
      'one',
      'ports',
    ],
    ['at no width', withHandlers(write(0, { size: [] })), 'handler-size-not-implemented', 'Chip', 'one', 'ports'],
    ['when another has its place', withHandlers(write(0), write(0)), 'handler-overlap', 'Chip', 'one', 'other', '0x0'],
    [
      'when it reaches into the place of another',
      withHandlers(
        data.write(0, { length: 4 }) as MethodDecorator,
        data.write(2, { size: [2, 4], length: 1 }) as MethodDecorator,
      ),
      'handler-overlap',
      'Chip',
      'one',
      'other',
      '0x2',
    ],
    [
      'when there are two for everything else',
      withHandlers(write(), write()),
      'handler-overlap',
      'Chip',
      'one',
      'other',
      '0x0',
    ],
    [
      'that takes narrow writes as wide ones',
      () => {
        @device({ type: 'chip', description: 'A chip' })
        class Chip extends IsaDevice {
          @wide.write() control(_value: number, _offset: number, _size: number): void {}
        }
        return Chip;
      },
      'narrow-access-unsupported',
      'Chip',
      'control',
      'wide',
    ],
    [
      'with numbers where accesses have eight bytes',
      withHandlers(registers.write(0, { size: 8 }) as MethodDecorator),
      'handler-needs-64-bit',
      'Chip',
      'one',
      'registers',
    ],
    [
      'with numbers where all accesses have eight bytes',
      withHandlers(eights.write(0) as MethodDecorator),
      'handler-needs-64-bit',
      'Chip',
      'one',
      'eights',
    ],
  ])('%s', (_, mistake, code, ...named) => {
    expectRefusal(mistake, code, ...named);
  });

  it('when it is static', () => {
    const mistake = () => {
      class Chip extends IsaDevice {
        static one(): void {}
      }
      (ports.write(0) as unknown as (target: object, method: string) => void)(Chip, 'one');
    };
    expectRefusal(mistake, 'static-member', 'ports');
  });
});

describe('coalescing is refused', () => {
  function coalescing(...ranges: [range: CoalescedDeclaration, region?: unknown][]): () => void {
    return () => {
      class Chip extends IsaDevice {
        @ports.write(0)
        writeIndex(): void {}
        @ports.read(1)
        readData(): number {
          return 0;
        }
      }
      for (const [range, region = ports] of ranges) addCoalescedIo(region as typeof ports, range)(Chip);
      describeDevice()(Chip);
    };
  }

  it.each<[string, () => unknown, code: string, ...named: string[]]>([
    [
      'outside its region',
      coalescing([{ offset: 1, size: 2 }]),
      'range-outside-region',
      'Chip',
      '@addCoalescedIo',
      'ports',
      '0x0',
    ],
    [
      'before its region',
      coalescing([{ offset: -1, size: 1 }]),
      'range-outside-region',
      'Chip',
      '@addCoalescedIo',
      'ports',
      '0x0',
    ],
    ['of nothing', coalescing([{ offset: 0, size: 0 }]), 'empty-range', 'Chip', '@addCoalescedIo'],
    ['of half a byte', coalescing([{ offset: 0, size: 0.5 }]), 'empty-range', 'Chip', '@addCoalescedIo'],
    ['on a container', coalescing([{ offset: 0, size: 1 }, box]), 'no-handlers', 'Chip', '@addCoalescedIo', 'box'],
    [
      'outside a region of one byte',
      coalescing([{ offset: 0, size: 2 }, portRegion({ name: 'one', base: 0x72, size: 1 })]),
      'range-outside-region',
      'Chip',
      '@addCoalescedIo',
      'one',
      '0x0',
    ],
    [
      'where nothing takes writes',
      coalescing([{ offset: 1, size: 1 }]),
      'coalesced-range-not-written',
      'Chip',
      '0x1',
      'ports',
      '0x0',
    ],
    [
      'twice',
      coalescing([{ offset: 0, size: 1 }], [{ offset: 0, size: 2 }]),
      'coalesced-twice',
      'Chip',
      '@addCoalescedIo',
      '0x0',
      '0x1',
    ],
  ])('%s', (_, mistake, code, ...named) => {
    expectRefusal(mistake, code, ...named);
  });

  it('when it calls a region independent that the class does not have', () => {
    expectRefusal(
      coalescing([{ offset: 0, size: 1, independent: [data] }]),
      'independent-region-unknown',
      'Chip',
      '@addCoalescedIo',
      'data',
    );
  });

  it('when another region is read without flushing', () => {
    const mistake = () => {
      @describeDevice()
      @addCoalescedIo(ports, { offset: 0, size: 1 })
      class Chip extends IsaDevice {
        @ports.write(0)
        writeIndex(): void {}
        @data.read(0)
        readData(): number {
          return 0;
        }
      }
      return Chip;
    };
    expectRefusal(mistake, 'missing-flush', 'Chip', 'ports', 'data');
  });

  it('in a subclass too, when it adds the region that reads', () => {
    @describeDevice()
    @addCoalescedIo(ports, { offset: 0, size: 1 })
    class Base extends IsaDevice {
      @ports.write(0)
      writeIndex(): void {}
    }
    const mistake = () => {
      @describeDevice()
      class Chip extends Base {
        @data.read(0)
        readData(): number {
          return 0;
        }
      }
      return Chip;
    };
    expectRefusal(mistake, 'missing-flush', 'Chip', 'ports', 'data');
  });

  it('where a region is said to flush twice', () => {
    const mistake = () => {
      @describeDevice()
      @flushCoalescedIo(data)
      @flushCoalescedIo(data)
      class Chip extends IsaDevice {}
      return Chip;
    };
    expectRefusal(mistake, 'decorator-twice', 'Chip', '@flushCoalescedIo', 'data');
  });
});

describe('a class is refused', () => {
  it('without @device, when it is used', () => {
    class Chip extends IsaDevice {
      @ports.read()
      read(): number {
        return 0;
      }
    }
    for (const use of [() => metadataOf(Chip), () => new DeviceBench().realize(new Chip())]) {
      expectRefusal(use, 'missing-device-decorator', 'Chip', '@device');
    }
  });

  it('as a subclass without @device of one that has it', () => {
    @describeDevice()
    class Base extends IsaDevice {}
    class Chip extends Base {}
    expectRefusal(() => metadataOf(Chip), 'missing-device-decorator', 'Chip', '@device');
  });

  it('with @device below another decorator', () => {
    const mistake = () => {
      @addCoalescedIo(ports, { offset: 0, size: 1 })
      @describeDevice()
      class Chip extends IsaDevice {}
      return Chip;
    };
    expectRefusal(mistake, 'decorator-above-device', 'Chip', '@addCoalescedIo', '@device');
  });

  it('with two of a kind', () => {
    const identity = { vendorId: 1, deviceId: 2, classCode: 3 };
    const twice = () => {
      @describeDevice()
      @pci(identity)
      @pci(identity)
      class Chip extends PciDevice {}
      return Chip;
    };
    expectRefusal(twice, 'decorator-twice', 'Chip', '@pci');
    const named = () => {
      @describeDevice()
      @describeDevice()
      class Chip extends IsaDevice {}
      return Chip;
    };
    expectRefusal(named, 'decorator-above-device', 'Chip', '@device');
  });

  it('without a type', () => {
    const mistake = () => {
      @device({ type: '', description: '' })
      class Chip extends IsaDevice {}
      return Chip;
    };
    expectRefusal(mistake, 'invalid-device-type', 'Chip', '@device');
  });

  it.each(['Bad Type', 'a,b=c', '8259', '__proto__'])('with the type %j, which no command line can hold', (type) => {
    const mistake = () => device({ type, description: '' })(class Chip extends IsaDevice {});
    expectRefusal(mistake, 'invalid-device-type', 'Chip', `'${type}'`);
  });

  it('with a constructor parameter that no machine can fill', () => {
    const mistake = () => {
      @describeDevice()
      class Chip extends IsaDevice {
        constructor(readonly speed: number) {
          super();
        }
      }
      return Chip;
    };
    expectRefusal(mistake, 'parameter-not-injected', 'Chip', '@inject', '@options');
  });
});

describe('words that a declaration does not know are refused, with the one that was meant:', () => {
  it.each<[string, () => unknown, code: string, ...named: string[]]>([
    [
      'of a class',
      () => device({ type: 'x', descripton: '' } as never)(class Chip extends IsaDevice {}),
      'unknown-word',
      'Chip',
      '@device',
      'descripton',
    ],
    ['of ports', () => portRegion({ name: 'x', size: 4, accesSizes: [1] } as never), 'unknown-word', 'x', 'accesSizes'],
    [
      'of messages',
      () => msi({ vector: 4 } as never)(class Card extends PciDevice {}),
      'unknown-word',
      'Card',
      '@msi',
      'vector',
    ],
  ])('%s', (_, mistake, code, ...named) => {
    expectRefusal(mistake, code, ...named);
  });
});

describe('an option is refused', () => {
  it('with a name that has no other spelling', () => {
    expectRefusal(
      () => defineOptions({ base_year: option.integer({ description: '' }) }),
      'invalid-option-declaration',
      'base_year',
    );
  });

  it('with a default that is not a value of it', () => {
    const speed = option.integer({ default: 16, range: [0, 15], description: '' });
    expectRefusal(() => defineOptions({ speed }), 'invalid-option-declaration', 'speed');
  });

  it('with a range in which nothing is', () => {
    const speed = option.integer({ range: [5, 0], description: '' });
    expectRefusal(() => defineOptions({ speed }), 'invalid-option-declaration', 'speed');
  });

  it('that is a bare value, or a choice of no words', () => {
    expectRefusal(() => defineOptions({ speed: 5 as never }), 'invalid-option-declaration', 'speed');
    expectRefusal(() => option.choice({ description: '' } as never, {} as never), 'invalid-option-declaration');
  });

  it('with a word that -device has for itself', () => {
    const taken = defineOptions({ addr: option.integer({ description: '' }) });
    const mistake = () => {
      @describeDevice()
      class Chip extends IsaDevice {
        constructor(@options(taken) readonly config: OptionsOf<typeof taken>) {
          super();
        }
      }
      return Chip;
    };
    expectRefusal(mistake, 'reserved-option-name', 'Chip', 'addr');
  });
});

describe('a device refuses', () => {
  @describeDevice()
  @contains(box)
  class Chip extends IsaDevice {
    get early(): unknown {
      return this.topology;
    }
  }

  it('to show a region before it is realized, and one that is not its own ever', () => {
    const chip = new Chip();
    expectRefusal(() => chip.region(box), 'region-not-in-device', 'Chip', 'box');
    expectRefusal(() => chip.early, 'device-not-realized', 'Chip');
    new DeviceBench().realize(chip, 'chip0');
    expect(chip.region(box).kind).toBe('container');
    expectRefusal(() => chip.region(ports), 'region-not-in-device', 'chip0', 'ports');
  });

  it('to be realized twice', () => {
    const bench = new DeviceBench();
    const chip = bench.realize(new Chip(), 'chip0');
    expectRefusal(() => bench.realize(chip), 'device-realized-twice', 'chip0');
  });
});

describe('a decorator without the brackets that it needs, or with some that it must not have, says how it is written', () => {
  const refuse = (wrong: unknown) => wrong as (...given: unknown[]) => unknown;
  class Chip extends IsaDevice {}
  const status = ports.register(0, { width: 8 });

  it.each<[string, () => unknown, code: string, ...named: string[]]>([
    ['@device', () => refuse(device)(Chip), 'missing-brackets', 'Chip', '@device'],
    ['@device()', () => refuse(refuse(device)())(Chip), 'missing-description', 'Chip', '@device'],
    ['@flushCoalescedIo', () => refuse(flushCoalescedIo)(Chip), 'missing-brackets', 'Chip', '@flushCoalescedIo'],
    ['@addCoalescedIo', () => refuse(addCoalescedIo)(Chip), 'missing-brackets', 'Chip', '@addCoalescedIo'],
    ['@contains', () => refuse(contains)(Chip), 'missing-brackets', 'Chip', '@contains'],
    [
      '@state()',
      () => refuse(refuse(state)())(Chip.prototype, 'level'),
      'needless-brackets',
      'Chip',
      '@state',
      'level',
    ],
    ['@ports.read', () => refuse(ports.read.bind(ports))(Chip.prototype, 'look', {}), 'missing-brackets', 'ports'],
    [
      '@ports.writeWithAttributes',
      () => refuse(ports.writeWithAttributes.bind(ports))(Chip.prototype, 'set', {}),
      'missing-brackets',
      'ports',
    ],
    // Compiled, a decorator without brackets is called without its region.
    ['@ports.write, compiled', () => refuse(ports.write)(Chip.prototype, 'set', {}), 'missing-brackets', 'Chip', 'set'],
    ['@ports.read64, compiled', () => refuse(ports.read64)(Chip.prototype, 'look', {}), 'missing-brackets', '.read64('],
    ['@ports.register', () => refuse(ports.register)(Chip.prototype, 'level'), 'missing-brackets', 'Chip', 'level'],
    [
      '@cmos.register',
      () => refuse(indexedRegisters({ index: status, data: 1 }).register)(Chip.prototype, 'level'),
      'missing-brackets',
      'Chip',
      'level',
    ],
    ['@status.onRead', () => refuse(status.onRead)(Chip.prototype, 'look', {}), 'missing-brackets', '0x0', 'ports'],
  ])('%s', (_, mistake, code, ...named) => {
    expectRefusal(mistake, code, ...named);
  });

  it('a class that extends no device, or plugs into no bus, but not one that names a bus of its own', () => {
    class Thing {}
    class OnOwnBus extends Device {
      static readonly plugsInto = { kind: 'own' };
    }
    class OnNoBus extends Device {}
    class OnBusWithoutKind extends Device {
      static readonly plugsInto = class {};
    }
    for (const lost of [OnNoBus, OnBusWithoutKind])
      expectRefusal(() => device({ type: 'lost', description: 'on no bus' })(lost), 'device-without-bus', lost.name);
    expect(() => device({ type: 'own-bus', description: 'on a bus of its own' })(OnOwnBus)).not.toThrow();
    expectRefusal(() => refuse(describeDevice())(Thing), 'not-a-device', 'Thing');
  });
});

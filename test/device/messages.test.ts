import { describe, expect, it } from 'vitest';
import {
  addCoalescedIo,
  BackplaneError,
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
  mmioRegion,
  msi,
  type OptionsOf,
  option,
  options,
  PciDevice,
  pci,
  portRegion,
  state,
} from '../../sdk/index.ts';
import { blueprintOf } from '../../sdk/runtime.ts';
import { DeviceBench } from './device-bench.ts';

/** What an author reads who made the mistake. */
function message(mistake: () => unknown): string {
  try {
    mistake();
  } catch (error) {
    expect(error).toBeInstanceOf(BackplaneError);
    return (error as Error).message;
  }
  return 'nothing was refused';
}

const ports = portRegion({ name: 'ports', base: 0x70, size: 2, accessSizes: [1] });
const data = portRegion({ name: 'data', base: 0x72, size: 4 });
const registers = mmioRegion({ name: 'registers', size: 0x100, accessSizes: [4, 8] });
const wide = mmioRegion({ name: 'wide', size: 0x100, accepts: { min: 1, max: 4 }, implements: { min: 4, max: 4 } });
const eights = mmioRegion({ name: 'eights', size: 0x100, accessSizes: [8] });
const box = containerRegion({ name: 'box', size: 0x100 });
const describeDevice = () => device({ type: 'chip', description: 'A chip' });

describe('a region refuses', () => {
  const port = (spec: Partial<HandledRegionSpec>) => () => portRegion({ name: 'r', size: 4, ...spec });

  it.each<[string, () => unknown, string]>([
    ['no name', port({ name: '' }), 'A region needs a name: it is what info mtree and messages show.'],
    ['no bytes', port({ size: 0 }), "Region 'r': size 0 is not a number of bytes. Give it a whole number above 0."],
    [
      'half a byte',
      port({ size: 1.5 }),
      "Region 'r': size 1.5 is not a number of bytes. Give it a whole number above 0.",
    ],
    [
      'a base that is no address',
      port({ base: -1 }),
      "Region 'r': base -1 is not an address. Give it a whole number from 0, or leave it out.",
    ],
    ['a broken priority', port({ priority: 0.5 }), "Region 'r': priority 0.5 is not a whole number."],
    [
      'more ports than there are',
      port({ size: 0x1_0001 }),
      "Region 'r': 0x10001 ports do not fit into 0x10000. Use mmioRegion for memory.",
    ],
    [
      'ports past the last one',
      port({ base: 0xfffe }),
      "Region 'r': ports 0xfffe to 0x10001 pass the last port 0xffff. Lower its base or its size.",
    ],
    [
      'widths that are none',
      port({ accessSizes: [3] }),
      "Region 'r': accessSizes [3] is not a run of access widths. Give each of 1, 2, 4 from the narrowest to the widest it takes, once.",
    ],
    [
      'widths with a hole',
      port({ accessSizes: [1, 4] }),
      "Region 'r': accessSizes [1, 4] is not a run of access widths. Give each of 1, 2, 4 from the narrowest to the widest it takes, once.",
    ],
    [
      'no widths',
      () => mmioRegion({ name: 'r', size: 4, accessSizes: [] }),
      "Region 'r': accessSizes [] is not a run of access widths. Give each of 1, 2, 4, 8 from the narrowest to the widest it takes, once.",
    ],
    [
      'eight bytes at a port',
      port({ accessSizes: [4, 8] }),
      "Region 'r': accessSizes [4, 8] is not a run of access widths. Give each of 1, 2, 4 from the narrowest to the widest it takes, once.",
    ],
    [
      'widths said twice',
      port({ accessSizes: [1], implements: { max: 1 } }),
      "Region 'r': accessSizes already says what it accepts and implements. Leave out accessSizes, or accepts and implements.",
    ],
    [
      'a smallest width above the largest',
      port({ accepts: { min: 4, max: 2 } }),
      "Region 'r': accepts 4 to 2 bytes is not a range of access widths. min and max are 1, 2, 4, min not above max.",
    ],
    [
      'a width that is no power of two',
      () => mmioRegion({ name: 'r', size: 4, implements: { max: 3 } }),
      "Region 'r': implements 1 to 3 bytes is not a range of access widths. min and max are 1, 2, 4 or 8, min not above max.",
    ],
  ])('%s', (_, mistake, expected) => {
    expect(message(mistake)).toBe(expected);
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

  it.each<[string, () => unknown, string]>([
    [
      'outside its region',
      withHandlers(write(2)),
      "Class Chip: handler 'one' of region 'ports' stands at offset 0x2, outside its region. The region has the offsets 0x0 to 0x1, counted from its start.",
    ],
    [
      'at the address instead of the offset',
      withHandlers(write(0x70)),
      "Class Chip: handler 'one' of region 'ports' stands at offset 0x70, outside its region. The region has the offsets 0x0 to 0x1, counted from its start.",
    ],
    [
      'when it covers more than its region',
      withHandlers(write(1, { length: 2 })),
      "Class Chip: handler 'one' of region 'ports' covers 0x1 to 0x2 and leaves its region. The region has the offsets 0x0 to 0x1, counted from its start.",
    ],
    [
      'when it covers nothing',
      withHandlers(write(1, { length: 0 })),
      "Class Chip: handler 'one' of region 'ports' has length 0. Give it a number of bytes above 0.",
    ],
    [
      'at a width that does not fit behind its offset',
      withHandlers(data.write(2, { size: 4 }) as MethodDecorator),
      "Class Chip: handler 'one' of region 'data' takes 4 bytes at offset 0x2 and leaves its region. The region has the offsets 0x0 to 0x3, counted from its start.",
    ],
    [
      'at a width that the region never hands to it',
      withHandlers(write(0, { size: 2 })),
      "Class Chip: handler 'one' of region 'ports' takes accesses of 2 bytes, but the region implements 1. Change one of them.",
    ],
    [
      'at no width',
      withHandlers(write(0, { size: [] })),
      "Class Chip: handler 'one' of region 'ports' takes no size at all. Leave out size, or name one.",
    ],
    [
      'when another has its place',
      withHandlers(write(0), write(0)),
      "Class Chip: 'one' and 'other' both write offset 0x0 of region 'ports' at 1 bytes. Move one of them, or tell them apart by { size }.",
    ],
    [
      'when it reaches into the place of another',
      withHandlers(
        data.write(0, { length: 4 }) as MethodDecorator,
        data.write(2, { size: [2, 4], length: 1 }) as MethodDecorator,
      ),
      "Class Chip: 'one' and 'other' both write offset 0x2 of region 'data' at 2, 4 bytes. Move one of them, or tell them apart by { size }.",
    ],
    [
      'when there are two for everything else',
      withHandlers(write(), write()),
      "Class Chip: 'one' and 'other' both write offset 0x0 of region 'ports' at 1 bytes. Move one of them, or tell them apart by { size }.",
    ],
    [
      'that takes no offset, where narrow reads would all get the same bytes',
      () => {
        @device({ type: 'chip', description: 'A chip' })
        class Chip extends IsaDevice {
          @wide.read(0) status(): number {
            return 0x44332211;
          }
        }
        return Chip;
      },
      "Class Chip: handler 'status' of region 'wide': the region accepts single bytes but implements 4 bytes, so a narrow read would answer " +
        "the same at every offset: 'status' declares no parameter for it before the first default or ...rest. Write " +
        'status(offset: number) and answer the bytes from there on, or let it accept no less than it implements, accepts: { min: 4 }.',
    ],
    [
      'whose offset has a default, which JavaScript does not count',
      () => {
        @device({ type: 'chip', description: 'A chip' })
        class Chip extends IsaDevice {
          @wide.read() look(offset = 0): number {
            return offset;
          }
        }
        return Chip;
      },
      "Class Chip: handler 'look' of region 'wide': the region accepts single bytes but implements 4 bytes, so a narrow read would answer " +
        "the same at every offset: 'look' declares no parameter for it before the first default or ...rest. Write " +
        'look(offset: number) and answer the bytes from there on, or let it accept no less than it implements, accepts: { min: 4 }.',
    ],
    [
      'whose offset is one of ...rest, which JavaScript does not count',
      () => {
        @device({ type: 'chip', description: 'A chip' })
        class Chip extends IsaDevice {
          @wide.read() look(...[offset]: number[]): number {
            return offset ?? 0;
          }
        }
        return Chip;
      },
      "Class Chip: handler 'look' of region 'wide': the region accepts single bytes but implements 4 bytes, so a narrow read would answer " +
        "the same at every offset: 'look' declares no parameter for it before the first default or ...rest. Write " +
        'look(offset: number) and answer the bytes from there on, or let it accept no less than it implements, accepts: { min: 4 }.',
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
      "Class Chip: handler 'control' of region 'wide': the region accepts single bytes but implements 4 bytes, so a narrow write would " +
        'arrive with zeros for the bytes that the guest did not write. Let it implement what it accepts, implements: { min: 1 }, and ' +
        'look at offset and size, or let it accept no less than it implements, accepts: { min: 4 }.',
    ],
    [
      'with numbers where accesses have eight bytes',
      withHandlers(registers.write(0, { size: 8 }) as MethodDecorator),
      "Class Chip: handler 'one' of region 'registers' takes 8 bytes, which a number cannot hold. Use @region.write64 with bigint.",
    ],
    [
      'with numbers where all accesses have eight bytes',
      withHandlers(eights.write(0) as MethodDecorator),
      "Class Chip: handler 'one' of region 'eights' never gets an access: the region implements 8 bytes only. Use @region.write64 with bigint.",
    ],
  ])('%s', (_, mistake, expected) => {
    expect(message(mistake)).toBe(expected);
  });

  it('when it is static', () => {
    const mistake = () => {
      class Chip extends IsaDevice {
        static one(): void {}
      }
      (ports.write(0) as unknown as (target: object, method: string) => void)(Chip, 'one');
    };
    expect(message(mistake)).toBe(
      "Chip.one: a handler in region 'ports' cannot be static: every device has its own. Remove 'static'.",
    );
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

  it.each<[string, () => unknown, string]>([
    [
      'outside its region',
      coalescing([{ offset: 1, size: 2 }]),
      "Class Chip: @addCoalescedIo(ports, { offset: 1, size: 2 }) reaches outside region 'ports', whose offsets are 0x0 to 0x1. Offsets count from the start of the region, not from its address: move or shorten the range.",
    ],
    [
      'before its region',
      coalescing([{ offset: -1, size: 1 }]),
      "Class Chip: @addCoalescedIo(ports, { offset: -1, size: 1 }) reaches outside region 'ports', whose offsets are 0x0 to 0x1. Offsets count from the start of the region, not from its address: move or shorten the range.",
    ],
    [
      'of nothing',
      coalescing([{ offset: 0, size: 0 }]),
      'Class Chip: @addCoalescedIo(ports, { offset: 0, size: 0 }) covers nothing. Give it the number of bytes whose writes may wait.',
    ],
    [
      'of half a byte',
      coalescing([{ offset: 0, size: 0.5 }]),
      'Class Chip: @addCoalescedIo(ports, { offset: 0, size: 0.5 }) is not a range of bytes. Give it whole numbers, size above 0.',
    ],
    [
      'on a container',
      coalescing([{ offset: 0, size: 1 }, box]),
      "Class Chip: @addCoalescedIo(box, { offset: 0, size: 1 }): 'box' is a container, which has no writes of its own. Name the region inside it.",
    ],
    [
      'outside a region of one byte',
      coalescing([{ offset: 0, size: 2 }, portRegion({ name: 'one', base: 0x72, size: 1 })]),
      "Class Chip: @addCoalescedIo(one, { offset: 0, size: 2 }) reaches outside region 'one', whose only offset is 0x0. Offsets count from the start of the region, not from its address: move or shorten the range.",
    ],
    [
      'where nothing takes writes',
      coalescing([{ offset: 1, size: 1 }]),
      "Class Chip: writes to 0x1 of 'ports' are coalesced, but nothing takes writes there, only at 0x0. Move the range, or give it a handler or a register.",
    ],
    [
      'twice',
      coalescing([{ offset: 0, size: 1 }], [{ offset: 0, size: 2 }]),
      'Class Chip: @addCoalescedIo(ports) declares 0x0 to 0x1 although 0x0 of it is declared already, here or in a base class. Keep one of them.',
    ],
  ])('%s', (_, mistake, expected) => {
    expect(message(mistake)).toBe(expected);
  });

  it('when it calls a region independent that the class does not have', () => {
    expect(message(coalescing([{ offset: 0, size: 1, independent: [data] }]))).toBe(
      "Class Chip: @addCoalescedIo(ports) says that region 'data' is independent, but the class does not have that " +
        'region. Name one of its own, or leave it out.',
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
    expect(message(mistake)).toBe(
      "Class Chip: writes to 'ports' are coalesced, but reads of 'data' would not see those still queued. Write " +
        "'@flushCoalescedIo(data)' above the class, or, if its reads do not depend on them, " +
        "'@addCoalescedIo(ports, { offset: 0, size: 1, independent: [data] })'.",
    );
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
    expect(message(mistake)).toContain("Class Chip: writes to 'ports' are coalesced, but reads of 'data'");
  });

  it('where a region is said to flush twice', () => {
    const mistake = () => {
      @describeDevice()
      @flushCoalescedIo(data)
      @flushCoalescedIo(data)
      class Chip extends IsaDevice {}
      return Chip;
    };
    expect(message(mistake)).toBe("Class Chip: @flushCoalescedIo names region 'data' twice. Keep one of them.");
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
    const expected =
      'Class Chip has no @device, so what it declares was never checked. ' +
      "Put @device({ type: '...', description: '...' }) on top of it.";
    expect(message(() => blueprintOf(Chip))).toBe(expected);
    expect(message(() => new DeviceBench().realize(new Chip()))).toBe(expected);
  });

  it('as a subclass without @device of one that has it', () => {
    @describeDevice()
    class Base extends IsaDevice {}
    class Chip extends Base {}
    expect(message(() => blueprintOf(Chip))).toContain('Class Chip has no @device');
  });

  it('with @device below another decorator', () => {
    const mistake = () => {
      @addCoalescedIo(ports, { offset: 0, size: 1 })
      @describeDevice()
      class Chip extends IsaDevice {}
      return Chip;
    };
    expect(message(mistake)).toBe(
      'Class Chip: @addCoalescedIo stands above @device, which is already done. Move @device to the top.',
    );
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
    expect(message(twice)).toBe('Class Chip has @pci twice. Keep one of them.');
    const named = () => {
      @describeDevice()
      @describeDevice()
      class Chip extends IsaDevice {}
      return Chip;
    };
    expect(message(named)).toBe(
      'Class Chip: @device stands above @device, which is already done. Move @device to the top.',
    );
  });

  it('without a type', () => {
    const mistake = () => {
      @device({ type: '', description: '' })
      class Chip extends IsaDevice {}
      return Chip;
    };
    expect(message(mistake)).toBe("Class Chip: @device needs a type: the name that '-device' takes.");
  });

  it.each(['Bad Type', 'a,b=c', '8259', '__proto__'])('with the type %j, which no command line can hold', (type) => {
    expect(message(() => device({ type, description: '' })(class Chip extends IsaDevice {}))).toBe(
      `Class Chip: the type '${type}' cannot be written after '-device'. Use letters, digits, '-', '_' and '.', a letter first.`,
    );
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
    expect(message(mistake)).toBe(
      'Class Chip: constructor parameter 1 is neither @inject(Service) nor @options(declared), so no machine can fill it. ' +
        'Say which, or give it a default value.',
    );
  });
});

describe('words that a declaration does not know are refused, with the one that was meant:', () => {
  it.each([
    [
      'of a class',
      () => device({ type: 'x', descripton: '' } as never)(class Chip extends IsaDevice {}),
      "Class Chip: @device says 'descripton'. Did you mean 'description'?",
    ],
    [
      'of ports',
      () => portRegion({ name: 'x', size: 4, accesSizes: [1] } as never),
      "Region 'x' says 'accesSizes'. Did you mean 'accessSizes'?",
    ],
    [
      'of messages',
      () => msi({ vector: 4 } as never)(class Card extends PciDevice {}),
      "Class Card: @msi says 'vector'. Did you mean 'vectors'?",
    ],
  ])('%s', (_what, mistake, expected) => {
    expect(message(mistake)).toBe(expected);
  });
});

describe('an option is refused', () => {
  it('with a name that has no other spelling', () => {
    expect(message(() => defineOptions({ base_year: option.integer({ description: '' }) }))).toBe(
      "Option 'base_year' is not a camelCase name; the command line derives snake_case from it.",
    );
  });

  it('with a default that is not a value of it', () => {
    const speed = option.integer({ default: 16, range: [0, 15], description: '' });
    expect(message(() => defineOptions({ speed }))).toBe(
      "Option 'speed' has a default that is none of its values: it takes an integer from 0 to 15; 16 is not that.",
    );
  });

  it('with a range in which nothing is', () => {
    const speed = option.integer({ range: [5, 0], description: '' });
    expect(message(() => defineOptions({ speed }))).toBe(
      "Option 'speed' has the range from 5 to 0, in which nothing is. Put the smaller one first.",
    );
  });

  it('that is a bare value, or a choice of no words', () => {
    expect(message(() => defineOptions({ speed: 5 as never }))).toBe(
      "Option 'speed' is not declared. Make it with option.integer({...}) or another kind.",
    );
    expect(message(() => option.choice({ description: '' } as never, {} as never))).toBe(
      "option.choice takes the words first: option.choice(['discard', 'slew'], { ... }).",
    );
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
    expect(message(mistake)).toBe(
      "Class Chip: an option cannot be called 'addr': '-device' says so where the device is. Give it another name.",
    );
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
    expect(message(() => chip.region(box))).toBe(
      "Device 'Chip' has no region 'box': it is not realized, and regions are built then.",
    );
    expect(message(() => chip.early)).toBe("Device 'Chip' has no topology before realize.");
    new DeviceBench().realize(chip, 'chip0');
    expect(chip.region(box).kind).toBe('container');
    expect(message(() => chip.region(ports))).toBe(
      "Device 'chip0' has no region 'ports': its class does not name it in a decorator.",
    );
  });

  it('to be realized twice', () => {
    const bench = new DeviceBench();
    const chip = bench.realize(new Chip(), 'chip0');
    expect(message(() => bench.realize(chip))).toBe("Device 'chip0' is realized already. Unrealize it first.");
  });
});

describe('a decorator without the brackets that it needs, or with some that it must not have, says how it is written', () => {
  const refuse = (wrong: unknown) => wrong as (...given: unknown[]) => unknown;
  class Chip extends IsaDevice {}
  const status = ports.register(0, { width: 8 });

  it.each<[string, () => unknown, string]>([
    [
      '@device',
      () => refuse(device)(Chip),
      "Class Chip: write @device({ type: 'name', description: 'what it is' }), with brackets.",
    ],
    [
      '@device()',
      () => refuse(refuse(device)())(Chip),
      'Class Chip: @device takes { type, description }, and was given nothing.',
    ],
    [
      '@flushCoalescedIo',
      () => refuse(flushCoalescedIo)(Chip),
      'Class Chip: write @flushCoalescedIo(region), with brackets.',
    ],
    [
      '@addCoalescedIo',
      () => refuse(addCoalescedIo)(Chip),
      'Class Chip: write @addCoalescedIo(region, { offset, size }), with brackets.',
    ],
    ['@contains', () => refuse(contains)(Chip), 'Class Chip: write @contains(region), with brackets.'],
    [
      '@state()',
      () => refuse(refuse(state)())(Chip.prototype, 'level'),
      "Class Chip: @state() field 'level': write @state without ().",
    ],
    [
      '@ports.read',
      () => refuse(ports.read.bind(ports))(Chip.prototype, 'look', {}),
      "Chip.look: write .read() of region 'ports', with brackets.",
    ],
    [
      '@ports.writeWithAttributes',
      () => refuse(ports.writeWithAttributes.bind(ports))(Chip.prototype, 'set', {}),
      "Chip.set: write .writeWithAttributes() of region 'ports', with brackets.",
    ],
    [
      '@status.onRead',
      () => refuse(status.onRead)(Chip.prototype, 'look', {}),
      "Chip.look: write .onRead() of the register at 0x0 of region 'ports', with brackets.",
    ],
  ])('%s', (_, mistake, sentence) => expect(message(mistake)).toBe(sentence));

  it('a class that extends no device, but not one that extends Device and names a bus of its own', () => {
    class Thing {}
    class OnOwnBus extends Device {
      readonly bus = 'own';
    }
    expect(() => device({ type: 'own-bus', description: 'on a bus of its own' })(OnOwnBus)).not.toThrow();
    expect(message(() => refuse(describeDevice())(Thing))).toBe(
      'Class Thing: it is no device yet. Let it extend IsaDevice, PciDevice or SystemDevice.',
    );
  });
});

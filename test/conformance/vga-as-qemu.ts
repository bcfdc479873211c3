import { Vga } from '../../devices/index.ts';
// The parts of the card that a stand-in replaces.
import { AttributeController } from '../../devices/vga/attributes.ts';
import { crtIndex } from '../../devices/vga/crt-controller.ts';
import { Palette } from '../../devices/vga/palette.ts';
import { PlaneMemory } from '../../devices/vga/planes.ts';
import { attributeAddress, pixelMask, ports } from '../../devices/vga/registers.ts';
import { device, indexedRegisters, KiB, shape, state } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, out, out8, read, read8, store } from './script.ts';
import { colour, get, Port, planarMode, set, setAttribute, setWindow, textMode, Window } from './vga.ts';

const described = (what: string) => ({ type: 'VGA', description: `a VGA card ${what}` });
const AllBits = 0xffff_ffff;

const togglesStatus = standIn(Vga, (base: typeof Vga) => {
  @device(described('whose retrace is toggled by reads'))
  class VgaWithoutTime extends base {
    @state private status = 0;

    override get inputStatus1(): number {
      return this.status ^ 0x09;
    }

    override restartAttributes(): void {
      super.restartAttributes();
      this.status ^= 0x09;
    }

    override reset(): void {
      super.reset();
      this.status = 0;
    }
  }
  return VgaWithoutTime;
});

const alwaysReachesMemory = standIn(Vga, (base: typeof Vga) => {
  @device(described('whose memory is never disabled'))
  class VgaWithEnabledMemory extends base {
    protected override get reachesMemory(): boolean {
      return true;
    }
  }
  return VgaWithEnabledMemory;
});

/** Bytes in a chain lie side by side, and go around the data path of the graphics controller. */
class PackedPlanes extends PlaneMemory {
  override readonly bytes = new Uint8Array(512 * KiB);

  constructor(private readonly registers: Vga) {
    super(registers);
  }

  override read(address: number): number {
    const { memoryMode, graphicsMode } = this.registers;
    if (memoryMode & 8) return this.bytes[address] as number;
    if ((graphicsMode & 0x10) === 0) return super.read(address);
    return this.byteAt(address >> 1, this.planeOf(address));
  }

  override write(address: number, byte: number): void {
    const { memoryMode, graphicsMode, mapMask } = this.registers;
    if (memoryMode & 8) {
      if (mapMask & (1 << (address & 3))) this.bytes[address] = byte;
    } else if (graphicsMode & 0x10) {
      if (mapMask & (1 << this.planeOf(address))) this.bytes[4 * (address >> 1) + this.planeOf(address)] = byte;
    } else this.writeAll(address, byte);
  }

  /** Of odd and even addresses. */
  private planeOf(address: number): number {
    return (this.registers.readMapSelect & 2) | (address & 1);
  }

  /** By the map mask alone. */
  private writeAll(address: number, byte: number): void {
    const { registers } = this;
    const { memoryMode } = registers;
    registers.memoryMode = memoryMode | 4;
    super.write(address, byte);
    registers.memoryMode = memoryMode;
  }

  protected override planeAddress(address: number): number {
    return address;
  }
}

const packsChains = standIn(Vga, (base: typeof Vga) => {
  @device(described('that keeps chained bytes side by side'))
  class VgaWithPackedPlanes extends base {
    override readonly planes = new PackedPlanes(this);
  }
  return VgaWithPackedPlanes;
});

const takesEightBits = standIn(Vga, (base: typeof Vga) => {
  @device(described('whose colours have eight bits'))
  class VgaWithEightBits extends base {
    protected override get colourBits(): number {
      return 0xff;
    }
  }
  return VgaWithEightBits;
});

class PaletteOfTwoAddresses extends Palette {
  @state({ as: shape.bits(8) }) private readAddress = 0;
  @state private part = 0;
  @state private readonly written = new Uint8Array(3);
  @state private reads = false;

  override get state(): number {
    return this.reads ? 3 : 0;
  }

  override get next(): number {
    return this.colours[3 * this.readAddress + this.part] as number;
  }

  override startWrite(address: number): void {
    Object.assign(this, { address, part: 0, reads: false });
  }

  override startRead(address: number): void {
    Object.assign(this, { readAddress: address, part: 0, reads: true });
  }

  override write(value: number): void {
    this.written[this.part++] = value;
    if (this.part < 3) return;
    this.colours.set(this.written, 3 * this.address);
    Object.assign(this, { part: 0, address: (this.address + 1) & 0xff });
  }

  override read(): void {
    if (++this.part < 3) return;
    Object.assign(this, { part: 0, readAddress: (this.readAddress + 1) & 0xff });
  }

  override reset(): void {
    super.reset();
    this.written.fill(0);
    Object.assign(this, { readAddress: 0, part: 0, reads: false });
  }
}

const hasTwoAddresses = standIn(Vga, (base: typeof Vga) => {
  @device(described('with a palette of two addresses'))
  class VgaOfTwoAddresses extends base {
    override readonly palette = new PaletteOfTwoAddresses();
  }
  return VgaOfTwoAddresses;
});

const hasNoPixelMask = standIn(Vga, (base: typeof Vga) => {
  @device(described('without a pixel mask'))
  class VgaWithoutPixelMask extends base {
    @pixelMask.onWrite()
    forget(): number {
      return 0;
    }
  }
  return VgaWithoutPixelMask;
});

const hidesAddress = standIn(Vga, (base: typeof Vga) => {
  @device(described('whose attribute address reads zero while data is awaited'))
  class VgaWithHiddenAddress extends base {
    @attributeAddress.onRead()
    hideAddress(address: number): number {
      return this.attributes.isDataNext ? 0 : address;
    }
  }
  return VgaWithHiddenAddress;
});

class UnlockedAttributes extends AttributeController {
  protected override set(address: number, value: number): void {
    super.set(address & 0x1f, value);
  }
}

const neverLocksPalette = standIn(Vga, (base: typeof Vga) => {
  @device(described('whose palette is never locked'))
  class VgaWithoutLock extends base {
    protected override readonly attributes = new UnlockedAttributes();
  }
  return VgaWithoutLock;
});

const FirstBeyond = 0x19;
const beyondCrt = indexedRegisters({ index: crtIndex, data: 1 }).register(FirstBeyond, { width: 8, count: 0xe7 });

const storesBeyondCrt = standIn(Vga, (base: typeof Vga) => {
  @device(described('that stores 256 registers of the CRT controller'))
  class VgaWithMoreRegisters extends base {
    @beyondCrt readonly beyondCrt = new Uint8Array(0xe7);
  }
  return VgaWithMoreRegisters;
});

const zero = { width: 8, access: 'constant' } as const;
const [at0x3c3, at0x3cb, at0x3cd] = [ports.register(3, zero), ports.register(0xb, zero), ports.register(0xd, zero)];

const answersUnusedPorts = standIn(Vga, (base: typeof Vga) => {
  @device(described('whose unused ports read zero'))
  class VgaWithUnusedPorts extends base {
    @at0x3c3 readonly at0x3c3 = 0;
    @at0x3cb readonly at0x3cb = 0;
    @at0x3cd readonly at0x3cd = 0;
  }
  return VgaWithUnusedPorts;
});

const { Sequencer, Graphics, Crt, Attribute, AttributeData, PixelMask, PixelData, Status } = Port;

/** A place in the window that only one script uses. */
const Banked = Window + 0x4000;

export const vgaDifferences: readonly KnownDifference[] = [
  {
    register: 'port 0x3da',
    condition: 'always',
    reason:
      'Retrace and border follow from the guest time and the programmed timing. QEMU toggles them with every read.',
    standIn: togglesStatus,
    there: { operations: [colour, read8(Status), read8(Status)], ours: [0, 0], qemu: [9, 0] },
  },
  {
    register: 'window',
    condition: 'bit 1 of the miscellaneous output is off',
    reason: 'The bit lets the processor reach the video memory (IBM PS/2, Miscellaneous Output). QEMU ignores it.',
    standIn: alwaysReachesMemory,
    there: {
      operations: [...setWindow(planarMode), store(Window, 1, 0x55), out8(0x3c2, 0x65), load(Window, 1)],
      ours: [0xff],
      qemu: [0x55],
    },
  },
  {
    register: 'window',
    condition: 'odd/even or chain 4',
    reason:
      'The address bits that choose a plane are zero in the plane, and writes pass the data path (IBM PS/2, Graphics Controller). QEMU ' +
      'packs the bytes, and stores them as they are.',
    standIn: packsChains,
    there: {
      operations: [
        ...[...setWindow(textMode), store(Window + 0x1_8002, 2, 0x0741)],
        ...[...setWindow(planarMode), set(Graphics, 4, 0), load(Window + 1, 1), load(Window + 2, 1)],
      ],
      ours: [0, 0x41],
      qemu: [0x41, 0],
    },
  },
  {
    register: 'port 0x3c9',
    condition: 'a component above 0x3f is written',
    reason: 'A component has six bits (Inmos IMS G171). QEMU stores eight.',
    standIn: takesEightBits,
    there: {
      operations: [
        out8(0x3c8, 1),
        ...[0xff, 0x12, 0x80].map((part) => out8(PixelData, part)),
        out8(0x3c7, 1),
        read8(PixelData),
      ],
      ours: [0x3f],
      qemu: [0xff],
    },
  },
  {
    register: 'ports 0x3c8 and 0x3c9',
    condition: 'a read address is written',
    reason: 'Reads and writes of the palette have one address (Inmos IMS G171). QEMU has two.',
    standIn: hasTwoAddresses,
    there: { operations: [out8(0x3c8, 5), out8(0x3c7, 9), read8(0x3c8)], ours: [10], qemu: [5] },
  },
  {
    register: 'port 0x3c6',
    condition: 'always',
    reason: 'The pixel mask is a register (Inmos IMS G171). QEMU has none, and reads zero.',
    standIn: hasNoPixelMask,
    there: { operations: [out8(PixelMask, 0x5a), read8(PixelMask)], ours: [0x5a], qemu: [0] },
  },
  {
    register: 'port 0x3c0',
    condition: 'the next write is data',
    reason:
      'The address can be read at any time (IBM PS/2, Attribute Address). QEMU shows it only while an address is awaited.',
    standIn: hidesAddress,
    there: { operations: [colour, read8(Status), out8(Attribute, 5), read8(Attribute)], ours: [9, 5], qemu: [9, 0] },
  },
  {
    register: 'port 0x3c1',
    condition: 'a palette register is written while the palette address source is on',
    reason: 'The palette is locked then (IBM PS/2, Attribute Address). QEMU writes it.',
    standIn: neverLocksPalette,
    there: {
      operations: [colour, ...setAttribute(0x23, 0x15), read8(AttributeData)],
      ours: [9, 0],
      qemu: [9, 0x15],
    },
  },
  {
    register: 'port 0x3d5',
    condition: 'the index is above 0x18',
    reason: 'A VGA has no such registers. QEMU stores 256.',
    standIn: storesBeyondCrt,
    there: { operations: [colour, set(Crt, 0x30, 0x5a), ...get(Crt, 0x30)], ours: [0xff], qemu: [0x5a] },
  },
  {
    register: 'ports 0x3c3, 0x3cb and 0x3cd',
    condition: 'always',
    reason: 'Nothing is at these ports of the card, so they float. QEMU answers zero.',
    standIn: answersUnusedPorts,
    there: { operations: [read8(0x3c3), read8(0x3cb), read8(0x3cd)], ours: [0xff, 0xff, 0xff], qemu: [0, 0, 0] },
  },
  {
    register: 'port 0x3ca',
    bits: 0x18,
    condition: 'the feature control was written',
    reason: 'Bit 3 selects the vertical sync (IBM PS/2, Feature Control). QEMU stores bit 4.',
    hides: (register, { kind }) => kind === 'in' && register === 'port 0x3ca',
    there: { operations: [colour, out8(Status, 0xff), read8(0x3ca)], ours: [0x08], qemu: [0x10] },
  },
  {
    register: 'window',
    bits: 0xff,
    condition: 'a bank is chosen while VBE is off',
    reason: 'Banks are those of a VBE mode. QEMU moves the window in all modes. Other scripts choose no bank.',
    hides: (_register, operation) => operation.kind === 'load' && operation.address === Banked,
    there: {
      operations: [
        ...[...setWindow(planarMode), store(Banked, 1, 0x55)],
        ...[out(Port.VbeIndex, 2, 5), out(Port.VbeData, 2, 1), load(Banked, 1)],
      ],
      ours: [0x55],
      qemu: [0],
    },
  },
  {
    register: 'all ports from 0x3b0 to 0x3df',
    bits: AllBits,
    condition: 'a read of 32 bits',
    reason: 'The bus splits wide accesses for a card of eight bits. QEMU answers bytes and words only.',
    hides: (register, operation) => operation.kind === 'in' && operation.size === 4 && /^port 0x3[bcd]/.test(register),
    there: { operations: [set(Sequencer, 2, 5), read(Sequencer, 4)], ours: [0x0000_0502], qemu: [AllBits] },
  },
];

import { guestTime, state, type VirtualClock } from '../../sdk/index.ts';
import { PciDevice } from '../../sdk/pci.ts';
import { AttributeController } from './attributes.ts';
import * as crtc from './crt-controller.ts';
import { CrtView } from './crt-controller.ts';
import { displayStatus } from './frame.ts';
import { Palette } from './palette.ts';
import { PlaneMemory } from './planes.ts';
import * as registers from './registers.ts';

const NotDecoded = -1;
const OpenBus = 0xff;
const SixBits = 0x3f;
const [ResetBits, CharacterMapBits] = [0x03, 0x3f];
/** Offsets in the window, by the memory map of the graphics controller. @see IBM, PS/2 Hardware Interface Technical Reference, "Miscellaneous Register" */
const maps = [
  { start: 0, end: 0x2_0000 },
  { start: 0, end: 0x1_0000 },
  { start: 0x1_0000, end: 0x1_8000 },
  { start: 0x1_8000, end: 0x2_0000 },
] as const;
const { colourPorts, enableMemory, clockSelect } = registers.miscellaneousOutput.fields;
const { eightDots, halfDotClock } = registers.clockingMode.fields;
const { memoryMap } = registers.graphicsMiscellaneous.fields;

/** The registers of an IBM VGA, its planes and its time. */
export abstract class VgaPorts extends PciDevice {
  @registers.miscellaneousOutput miscellaneousOutput = 0;
  @registers.inputStatus0 readonly inputStatus0 = 0;
  @registers.attributeAddress attributeAddress = 0;
  @registers.sequencerIndex sequencerIndex = 0;
  @registers.clockingMode clockingMode = 0;
  @registers.mapMask mapMask = 0;
  @registers.memoryMode memoryMode = 0;
  @registers.sequencerUnused readonly sequencerUnused = new Uint8Array(2);
  @registers.horizontalCounterReset horizontalCounterReset = 0;
  @registers.graphicsIndex graphicsIndex = 0;
  @registers.setReset setReset = 0;
  @registers.enableSetReset enableSetReset = 0;
  @registers.colourCompare colourCompare = 0;
  @registers.dataRotate dataRotate = 0;
  @registers.readMapSelect readMapSelect = 0;
  @registers.graphicsMode graphicsMode = 0;
  @registers.graphicsMiscellaneous graphicsMiscellaneous = 0;
  @registers.colourDontCare colourDontCare = 0;
  @registers.bitMask bitMask = 0;
  @registers.graphicsUnused readonly graphicsUnused = new Uint8Array(7);
  @registers.pixelMask pixelMask = 0;
  @crtc.crtIndex crtIndex = 0;
  @crtc.crt readonly crt = new Uint8Array(crtc.Crt.End);
  @crtc.featureControl featureControl = 0;
  /** @internal */
  @state readonly planes = new PlaneMemory(this);
  /** @internal */
  @state readonly palette = new Palette();
  /** Sequencer reset and character map select, which make a difference to the picture only. */
  @state private readonly ofPicture = new Uint8Array(2);
  /** @internal */
  @state protected readonly attributes = new AttributeController();
  /** When a frame began. The others follow it without a gap. */
  @state({ as: guestTime, atReset: 'kept' }) private frameStart: number;
  /** @internal */
  protected readonly crtView = new CrtView(this.crt);

  constructor(protected readonly clock: VirtualClock) {
    super();
    this.frameStart = clock.now;
  }

  @registers.attributePort
  writeAttribute(value: number): void {
    this.attributeAddress = this.attributes.write(value, this.attributeAddress);
  }

  @registers.attributeData
  get attributeData(): number {
    return this.attributes.read(this.attributeAddress);
  }

  /** Another dot clock begins another frame: guests reset the sequencer around it. */
  @registers.miscellaneousOutput.onWrite('clockSelect')
  selectClock(clock: number, previous: number): void {
    if (clock !== previous) this.frameStart = this.clock.now;
  }

  @registers.sequencerReset
  get sequencerReset(): number {
    return this.ofPicture[0] as number;
  }

  set sequencerReset(value: number) {
    this.ofPicture[0] = value & ResetBits;
  }

  @registers.characterMapSelect
  get characterMapSelect(): number {
    return this.ofPicture[1] as number;
  }

  set characterMapSelect(value: number) {
    this.ofPicture[1] = value & CharacterMapBits;
  }

  @registers.miscellaneousRead
  get miscellaneousRead(): number {
    return this.miscellaneousOutput;
  }

  @registers.pixelReadAddress
  startPaletteRead(address: number): void {
    this.palette.startRead(address);
  }

  @registers.pixelState
  get pixelState(): number {
    return this.palette.state;
  }

  @registers.pixelWriteAddress
  startPaletteWrite(address: number): void {
    this.palette.startWrite(address);
  }

  @registers.pixelAddress
  get pixelAddress(): number {
    return this.palette.address;
  }

  @registers.pixelWrite
  writePalette(component: number): void {
    this.palette.write(component & this.colourBits);
  }

  @registers.pixelRead
  get pixelRead(): number {
    return this.palette.next;
  }

  @registers.pixelRead.onRead()
  advancePalette(): void {
    this.palette.read();
  }

  @registers.featureControlRead
  get featureControlRead(): number {
    return this.featureControl;
  }

  @crtc.crt.onWrite()
  protectTiming(value: number, previous: number, index: number): number {
    return this.crtView.kept(value, previous, index);
  }

  @crtc.inputStatus1
  get inputStatus1(): number {
    const clock = {
      select: clockSelect.of(this.miscellaneousOutput),
      dotsPerCharacter: this.clockingMode & eightDots.mask ? 8 : 9,
      isHalved: (this.clockingMode & halfDotClock.mask) !== 0,
    };
    return displayStatus(this.crtView, clock, this.clock.now - this.frameStart);
  }

  @crtc.inputStatus1.onRead()
  restartAttributes(): void {
    this.attributes.restart();
  }

  @registers.memoryWindow.write()
  writeMemory(value: number, offset: number, size: number): void {
    for (let byte = 0; byte < size; byte++) this.writeByte(offset + byte, (value >>> (8 * byte)) & 0xff);
  }

  @registers.memoryWindow.read()
  readMemory(offset: number, size: number): number {
    let value = 0;
    for (let byte = 0; byte < size; byte++) value |= this.readByte(offset + byte) << (8 * byte);
    return value >>> 0;
  }

  override reset(): void {
    super.reset();
    this.palette.reset();
    this.attributes.reset();
    this.ofPicture.fill(0);
  }

  /** The processor does. */
  protected get reachesMemory(): boolean {
    return (this.miscellaneousOutput & enableMemory.mask) !== 0;
  }

  /** Of a component in the palette. */
  protected get colourBits(): number {
    return SixBits;
  }

  protected get hasColourPorts(): boolean {
    return (this.miscellaneousOutput & colourPorts.mask) !== 0;
  }

  protected readByte(offset: number): number {
    const address = this.decode(offset);
    return address === NotDecoded ? OpenBus : this.planes.read(address);
  }

  protected writeByte(offset: number, byte: number): void {
    const address = this.decode(offset);
    if (address !== NotDecoded) this.planes.write(address, byte);
  }

  /** The address in video memory of a byte of the window. */
  private decode(offset: number): number {
    const { start, end } = maps[memoryMap.of(this.graphicsMiscellaneous)] as (typeof maps)[number];
    if (!this.reachesMemory || offset < start || offset >= end) return NotDecoded;
    return offset - start;
  }
}

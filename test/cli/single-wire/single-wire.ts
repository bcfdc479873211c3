import { Device, device, InterruptPin, IsaDevice, portRegion, state } from 'backplane';
import { Bus, type Detach } from 'backplane/bus';

/** What the bus knows of its chips. */
interface WireChip extends Device {
  onPulse(): void;
  onWrite(byte: number): void;
  onRead(): number;
}

const Command = { MatchRom: 0x55, SkipRom: 0xcc } as const;
const Idle = 'idle',
  RomCommand = 'command',
  RomCode = 'code',
  Selected = 'selected';

/** One wire: a pulse wakes the chips, a command selects one by its code or all of them, and then bytes go to and fro. */
export class SingleWire extends Bus<WireChip, number> {
  static readonly kind = 'single-wire';
  override readonly addressGrammar = 'a code of two hexadecimal digits, 28';
  @state private phase: string = Idle;
  /** The code of the chip that is selected; -1 for all of them. */
  @state private selected = -1;
  private readonly chips = new Map<number, WireChip>();

  override parse(text: string): number | undefined {
    return /^[0-9a-f]{2}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
  }

  override format(code: number): string {
    return code.toString(16).padStart(2, '0');
  }

  override addressOnBench(): number {
    return 0x28;
  }

  attach(chip: WireChip, code: number): Detach {
    this.chips.set(code, chip);
    return () => {
      if (this.chips.get(code) === chip) this.chips.delete(code);
    };
  }

  override reset(): void {
    this.phase = Idle;
    this.selected = -1;
  }

  override describe(_chip: WireChip, code: number): readonly string[] {
    return [`code = 0x${this.format(code)}${this.hears(code) ? ', selected' : ''}`];
  }

  /** Pulls the wire down for long. Answers whether a chip is there. */
  pulse(): boolean {
    this.phase = RomCommand;
    for (const chip of this.chips.values()) this.call(chip, chip.onPulse);
    return this.chips.size > 0;
  }

  write(byte: number): void {
    if (this.phase === RomCommand) {
      this.selected = -1;
      this.phase = byte === Command.MatchRom ? RomCode : byte === Command.SkipRom ? Selected : Idle;
    } else if (this.phase === RomCode) {
      this.selected = byte;
      this.phase = Selected;
    } else {
      for (const [code, chip] of this.chips) if (this.hears(code)) this.call(chip, chip.onWrite, byte);
    }
  }

  /** A wire that no chip pulls down is read as ones. */
  read(): number {
    let byte = 0xff;
    for (const [code, chip] of this.chips) if (this.hears(code)) byte &= this.call(chip, chip.onRead);
    return byte;
  }

  override transfer(code: number, bytes: readonly number[], count: number): readonly number[] {
    if (!this.pulse()) return [];
    for (const byte of [Command.MatchRom, code, ...bytes]) this.write(byte);
    return Array.from({ length: count }, () => this.read());
  }

  private hears(code: number): boolean {
    return this.phase === Selected && (this.selected === -1 || this.selected === code);
  }
}

export abstract class WireDevice extends Device implements WireChip {
  static readonly plugsInto = SingleWire;
  abstract onPulse(): void;
  abstract onWrite(byte: number): void;
  abstract onRead(): number;
}

const Chip = { Convert: 0x44, ReadScratchpad: 0xbe, WriteLimits: 0x4e } as const;

/** Measures when it is told to, half a degree a step, and keeps an alarm limit. */
@device({ type: 'thermometer', description: 'A thermometer on a single wire' })
export class Thermometer extends WireDevice {
  readonly alarm = new InterruptPin(() => this.scratchpad[0]! > this.scratchpad[2]!);
  /** Temperature, a fixed byte, and the limit. */
  @state readonly scratchpad = new Uint8Array([0, 0xff, 0x50]);
  @state private measured = 0;
  @state private command = 0;
  @state private place = 0;

  onPulse(): void {
    this.command = 0;
    this.place = 0;
  }

  onWrite(byte: number): void {
    if (this.command === 0) this.begin(byte);
    else if (this.command === Chip.WriteLimits) this.scratchpad[2] = byte;
  }

  onRead(): number {
    if (this.command !== Chip.ReadScratchpad) return 0xff;
    const byte = this.scratchpad[this.place] ?? 0xff;
    this.place = Math.min(this.place + 1, this.scratchpad.length);
    return byte;
  }

  override reset(): void {
    this.scratchpad.set([0, 0xff, 0x50]);
    this.measured = 0;
    this.onPulse();
  }

  private begin(command: number): void {
    this.command = command;
    if (command !== Chip.Convert) return;
    this.measured = (this.measured + 7) & 0x7f;
    this.scratchpad[0] = this.measured;
  }
}

const ports = portRegion({ name: 'single-wire', base: 0x560, size: 2, accessSizes: [1] });
const Port = { Data: 0, Pulse: 1 } as const;

/** A byte written to port 0 goes out, a byte read there comes in; a write to port 1 is a pulse, a read answers who is there. */
@device({ type: 'wire-master', description: 'A controller of a single wire' })
export class WireMaster extends IsaDevice {
  readonly wire = new SingleWire();
  @state private present = false;

  @ports.write(Port.Data)
  send(byte: number): void {
    this.wire.write(byte);
  }

  @ports.read(Port.Data)
  receive(): number {
    return this.wire.read();
  }

  @ports.write(Port.Pulse)
  pulse(): void {
    this.present = this.wire.pulse();
  }

  @ports.read(Port.Pulse)
  presence(): number {
    return Number(this.present);
  }

  override reset(): void {
    this.present = false;
  }
}

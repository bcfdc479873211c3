import { Bus, type Detach } from '../../sdk/bus.ts';
import { Device, device, IsaDevice, portRegion, state } from '../../sdk/index.ts';

/** What the bus knows of its devices. */
interface Bell extends Device {
  ring(times: number): number;
}

/** A bus with nine addresses and no regions: a controller selects a device, then rings it. */
export class BellBus extends Bus<Bell, number> {
  static readonly kind = 'bells';
  override readonly addressGrammar = 'a number from 1 to 9';
  @state selected = 0;
  private readonly bells = new Map<number, Bell>();

  override parse(text: string): number | undefined {
    return /^[1-9]$/.test(text) ? Number(text) : undefined;
  }

  attach(bell: Bell, at: number): Detach {
    this.bells.set(at, bell);
    return () => {
      if (this.bells.get(at) === bell) this.bells.delete(at);
    };
  }

  override addressOnBench(): number {
    return 1;
  }

  override reset(): void {
    this.selected = 0;
  }

  override describe(_bell: Bell, at: number): readonly string[] {
    return at === this.selected ? ['selected'] : [];
  }

  /** All ones where no bell is. */
  ring(times: number): number {
    return this.bells.get(this.selected)?.ring(times) ?? 0xff;
  }

  override transfer(at: number, bytes: readonly number[], count: number): readonly number[] {
    this.selected = at;
    const answers = bytes.map((byte) => this.ring(byte));
    return answers.slice(0, count);
  }
}

export abstract class BellDevice extends Device {
  static readonly plugsInto = BellBus;
  abstract ring(times: number): number;
}

@device({ type: 'bell', description: 'counts how often it rang' })
export class CountingBell extends BellDevice {
  @state rung = 0;

  ring(times: number): number {
    this.rung = (this.rung + times) & 0xff;
    return this.rung;
  }

  override reset(): void {
    this.rung = 0;
  }
}

const ports = portRegion({ name: 'belfry', base: 0x500, size: 2, accessSizes: [1] });

/** Port 0 selects a bell, port 1 rings it and answers what came back. */
@device({ type: 'belfry', description: 'a controller of bells' })
export class Belfry extends IsaDevice {
  readonly bells = new BellBus();
  @state answer = 0;

  @ports.write(0)
  select(value: number): void {
    this.bells.selected = value;
  }

  @ports.write(1)
  ring(value: number): void {
    this.answer = this.bells.ring(value);
  }

  @ports.read(1)
  read(): number {
    return this.answer;
  }

  override reset(): void {
    this.answer = 0;
  }
}

const twoPorts = portRegion({ name: 'cathedral', base: 0x510, size: 1, accessSizes: [1] });

@device({ type: 'cathedral', description: 'a controller with two buses' })
export class Cathedral extends IsaDevice {
  readonly towers = [new BellBus(), new BellBus()];

  @twoPorts.read()
  read(): number {
    return 0;
  }
}

/** A bell by itself that passes rings on to the bells of its own bus: a multiplexer. */
@device({ type: 'carillon', description: 'bells behind a bell' })
export class Carillon extends BellDevice {
  readonly branch = new BellBus();

  ring(times: number): number {
    this.branch.selected = times >> 4;
    return this.branch.ring(times & 0xf);
  }
}

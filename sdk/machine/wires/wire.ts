import type { InterruptPin, Token } from '../../device/index.ts';

/** A wire to a service, such as `isaIrq(8)` to the ISA bus. `InterruptWire` is one. */
export interface ServiceWire {
  readonly description: string;
  readonly service: Token;
  readonly problem?: string | undefined;
  connect(pin: InterruptPin, service: unknown): () => void;
}

/** A wire to a pin of another device. */
export class DeviceWire {
  readonly description: string;

  constructor(
    readonly device: string,
    readonly pin: string,
  ) {
    this.description = `pin '${pin}' of '${device}'`;
  }
}

export type Wire = ServiceWire | DeviceWire;

/** A wire to a pin of another device, named by its id. */
export function pin(device: string, name: string): DeviceWire {
  return new DeviceWire(device, name);
}

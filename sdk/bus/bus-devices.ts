import { Device } from '../device/index.ts';

/** A device on the ISA bus: its port regions land among the bus's ports, its pins on ISA interrupt lines. */
export abstract class IsaDevice extends Device {
  get bus(): 'isa' {
    return 'isa';
  }
}

/** A device that belongs to the board itself, mapped into the machine's own memory and ports: a host bridge, for instance. */
export abstract class SystemDevice extends Device {
  get bus(): 'system' {
    return 'system';
  }
}

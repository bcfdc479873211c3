import { bit, device, IsaDevice, inject, portRegion, ResetController, undocumented } from '../sdk/index.ts';

const ports = portRegion({ name: 'port92', base: 0x92, size: 1, implements: { max: 1 }, mirrored: true });

const control = ports.register(0, {
  width: 8,
  fields: {
    reset: bit(0, 'read-write', { description: 'resets the machine when it becomes 1' }),
    a20: bit(1, 'read-write', { description: 'opens the A20 gate, which is always open here' }),
    rest: undocumented([2, 7]),
  },
});

/**
 * System control port A of a PC: a fast reset and the A20 gate at port 0x92. The bit A20 is kept and can be read back. The processor has
 * no A20 mask, so a guest that closes the gate makes a guest error. The port is not coalesced, because a write can reset the machine.
 *
 * A hostile guest can reset its machine as often as it likes.
 *
 * @see Intel ICH9 datasheet, order number 316972, "PORT92 - Fast A20 and Init Register"
 * @see QEMU 7.2, hw/i386/port92.c, port92_write: the reset is an edge of bit 0
 */
@device({ type: 'port92', description: 'System control port A of a PC: fast reset and A20 gate' })
export class Port92 extends IsaDevice {
  @control control = 0;

  constructor(@inject(ResetController) private readonly machine: ResetController) {
    super();
  }

  @control.onWrite('reset')
  resetMachine(level: number, before: number): void {
    if (level === 1 && before === 0) this.machine.requestReset('fast reset by port 0x92');
  }

  @control.onWrite('a20')
  moveGate(level: number, before: number): void {
    if (level === 0 && before === 1) this.guestError('closed the A20 gate, and addresses are not masked here');
  }
}

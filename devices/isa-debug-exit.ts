import {
  defineOptions,
  device,
  IsaDevice,
  inject,
  type OptionsOf,
  option,
  options,
  PowerController,
  portRegion,
} from '../sdk/index.ts';

export const isaDebugExitPorts = portRegion({
  name: 'isa-debug-exit',
  base: 0x501,
  size: 2,
  accepts: { min: 1, max: 2 },
});

export const isaDebugExitOptions = defineOptions({
  iobase: option.integer({
    description: 'first of the two ports',
    default: 0x501,
    range: [0, 0xfffe],
    places: isaDebugExitPorts,
  }),
});

/**
 * Ends the run with an exit status that the guest gives: a write of `n` is the status `2n + 1`, which is never 0. Tests of
 * firmware and kernels report by it.
 *
 * A write has an effect outside the machine, so none is coalesced. A hostile guest can end its own run, and no more.
 *
 * @see QEMU 7.2, hw/misc/debugexit.c, debug_exit_write: exit((value << 1) | 1); debug_exit_read answers 0
 */
@device({ type: 'isa-debug-exit', description: 'Port that ends the run with an exit status' })
export class IsaDebugExit extends IsaDevice {
  constructor(
    @inject(PowerController) private readonly power: PowerController,
    @options(isaDebugExitOptions) _options: OptionsOf<typeof isaDebugExitOptions>,
  ) {
    super();
  }

  /** Of an exit status the host's process has eight bits. */
  @isaDebugExitPorts.write()
  exit(value: number, _offset: number, _size: number): void {
    const status = ((value << 1) | 1) & 0xff;
    this.power.requestPowerOff(`The guest has ended the run with status ${status}.`, status);
  }

  @isaDebugExitPorts.read()
  readNothing(): number {
    return 0;
  }
}

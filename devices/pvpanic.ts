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

export const pvpanicPorts = portRegion({
  name: 'pvpanic',
  base: 0x505,
  size: 1,
  implements: { max: 1 },
  mirrored: true,
});

/** @see QEMU 7.2, docs/specs/pvpanic.txt, "ISA Interface" */
const Event = { Panicked: 0x01, CrashLoaded: 0x02 } as const;
const Known = Event.Panicked | Event.CrashLoaded;
const PanicStatus = 1;

export const pvpanicOptions = defineOptions({
  ioport: option.integer({ description: 'the port', default: 0x505, range: [0, 0xffff], places: pvpanicPorts }),
  events: option.integer({ description: 'the events that a guest may report', default: Known, range: [0, 0xff] }),
});

/**
 * A guest reports here that it has panicked, and its run ends with status 1. It may report instead that it has loaded a kernel
 * that saves its memory: that one goes on.
 *
 * A report must come at once, so none is coalesced. A hostile guest can end its own run.
 *
 * @see QEMU 7.2, docs/specs/pvpanic.txt, "ISA Interface": a read shows which events there are
 * @see QEMU 7.2, hw/misc/pvpanic.c, handle_event: a panic counts before the other event
 */
@device({ type: 'pvpanic', description: 'Port at which a guest reports a panic' })
export class Pvpanic extends IsaDevice {
  /** Called when the guest has panicked and goes on into a kernel that saves its memory. */
  crashLoaded: (() => void) | undefined;
  readonly ioport: number;
  private readonly events: number;

  constructor(
    @inject(PowerController) private readonly power: PowerController,
    @options(pvpanicOptions) { ioport, events }: OptionsOf<typeof pvpanicOptions>,
  ) {
    super();
    this.ioport = ioport;
    this.events = events;
  }

  @pvpanicPorts.write(0)
  report(events: number): undefined {
    if ((events & ~Known) !== 0) this.guestError(`there is no event 0x${(events & ~Known).toString(16)}`);
    if ((events & Event.Panicked) !== 0) this.power.requestPowerOff('The guest has panicked.', PanicStatus);
    else if ((events & Event.CrashLoaded) !== 0) this.crashLoaded?.();
    return undefined;
  }

  @pvpanicPorts.read(0)
  readEvents(): number {
    return this.events;
  }
}

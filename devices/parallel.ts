import { CharBackend } from '../sdk/backend.ts';
import {
  bit,
  bits,
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  isaIrq,
  MICROSECOND,
  type OptionsOf,
  option,
  options,
  portRegion,
  shape,
  state,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';

const Port = { Data: 0, Status: 1, Control: 2, End: 3 } as const;

export const parallelPorts = portRegion({
  ...{ name: 'parallel', size: Port.End },
  ...{ accepts: { min: 1, max: 4 }, implements: { min: 1, max: 1 } },
});
const data = parallelPorts.register(Port.Data, { width: 8 });
const status = parallelPorts.register(Port.Status, {
  width: 8,
  reset: 0xdf,
  fields: {
    none: bits(0, 2, 'constant', { description: 'ones without the enhanced modes' }),
    noError: bit(3, 'constant'),
    selected: bit(4, 'constant'),
    paperOut: bit(5, 'constant'),
    noAcknowledge: bit(6, 'read-only', { description: 'low while the printer says that it has the byte' }),
    notBusy: bit(7, 'read-only'),
  },
});
const control = parallelPorts.register(Port.Control, {
  width: 8,
  reset: 0xcc,
  fields: {
    strobe: bit(0, 'read-write', { description: 'the printer takes the byte when it rises' }),
    autoFeed: bit(1, 'unimplemented'),
    noInitialize: bit(2, 'read-write', { description: 'low: the printer is reset' }),
    select: bit(3),
    interruptEnable: bit(4),
    direction: bit(5, 'unimplemented'),
    none: bits(6, 7, 'constant'),
  },
});
const { interruptEnable, noInitialize, select, strobe } = control.fields;
const { notBusy, noAcknowledge } = status.fields;
/** Of a printer that is there and has paper. */
const Ready = 0x1f;
/** Of the pulse by which a printer acknowledges. @see National PC87332 datasheet, "Parallel Port" */
const AcknowledgeTime = 5 * MICROSECOND;
/** No byte waits. */
const None = -1;

export const isaParallelOptions = defineOptions({
  chardev: option.backend(CharBackend, { description: 'the printer: where bytes go' }),
  iobase: option.integer({
    ...{ description: 'first of its three ports', default: 0x378, range: [0, 0xfffc], places: parallelPorts },
  }),
  irq: option.integer({
    ...{ description: 'ISA interrupt line', default: 7, range: [0, 15], wires: { pin: 'irq', to: isaIrq } },
  }),
});

/**
 * A parallel port of a PC with a printer, in the compatible mode (SPP). The guest puts a byte on the data lines and strobes; the
 * printer is busy until the host has taken it, and acknowledges. The interrupt of the acknowledge stays until the status is read.
 * A hostile guest can print, and interrupt itself.
 *
 * @see National PC87332 datasheet, "Parallel Port": data, status and control register
 * @see QEMU 7.2, hw/char/parallel.c, parallel_ioport_read_sw: a read of the status lowers the interrupt
 */
@device({ type: 'isa-parallel', description: 'Parallel port of a PC with a printer' })
export class IsaParallel extends IsaDevice {
  readonly irq = new InterruptPin(() => this.isPending && interruptEnable.of(this.control) === 1);
  @data data = 0;
  @control control = 0xcc;
  /** The byte that the host has not taken. */
  @state({ as: shape.integer(None, 0xff) }) private taken = None;
  @state private isPending = false;
  private readonly acknowledged: Timer;
  private readonly printer: CharBackend;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(isaParallelOptions) { chardev }: OptionsOf<typeof isaParallelOptions>,
  ) {
    super();
    this.printer = chardev;
    this.acknowledged = clock.timer('acknowledged', () => {
      this.isPending = interruptEnable.of(this.control) === 1;
    });
    chardev.connect({ onWritable: () => this.print() });
  }

  @status
  get status(): number {
    const isAcknowledging = this.acknowledged.pending;
    const isBusy = isAcknowledging || this.taken !== None;
    return Ready | (isBusy ? 0 : notBusy.mask) | (isAcknowledging ? 0 : noAcknowledge.mask);
  }

  @status.onRead()
  lowerInterrupt(): void {
    this.isPending = false;
  }

  @control.onWrite()
  drive(value: number, previous: number): void {
    if (interruptEnable.of(value) === 0) this.isPending = false;
    if (noInitialize.of(value) === 0) this.initialize();
    else if (strobe.of(value & ~previous) === 1 && select.of(value) === 1) this.takeByte();
  }

  override reset(): void {
    super.reset();
    this.isPending = false;
    this.initialize();
  }

  private takeByte(): void {
    if (notBusy.of(this.status) === 0) {
      this.guestError('a byte is strobed while the printer is busy, and lost');
      return;
    }
    this.taken = this.data;
    this.print();
  }

  /** A byte that the host does not take keeps the printer busy. */
  private print(): void {
    if (this.taken === None || !this.printer.write(this.taken)) return;
    this.taken = None;
    this.acknowledged.arm(this.clock.now + AcknowledgeTime);
  }

  private initialize(): void {
    this.taken = None;
    this.acknowledged.cancel();
  }
}

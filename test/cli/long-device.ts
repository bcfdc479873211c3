/** The source of a device of 250 lines: registers, fields, options, a timer. Only a comment differs from edition to edition. */
export function longDevice(edition: number): string {
  const registers = Array.from({ length: 16 }, (_, n) => n);
  const declaration = (n: number) => `const r${n} = ports.register(${n}, {
  width: 8,
  reset: ${n},
  description: 'register ${n}',
  fields: {
    low: bits(0, 3, 'read-write', { description: 'low half of ${n}' }),
    high: bits(4, 7, 'read-write', { description: 'high half of ${n}' }),
  },
});`;
  const member = (n: number) => `  @r${n} r${n} = ${n};
  @r${n}.onWrite()
  wrote${n}(value: number, previous: number): void {
    this.sum = (this.sum + value - previous + 0x10000) & 0xffff;
  }`;
  const text = `// Edition ${edition}.
import { bits, defineOptions, device, InterruptPin, IsaDevice, inject, MICROSECOND, type OptionsOf, option, options, portRegion, state, type Timer, VirtualClock } from 'backplane';
const ports = portRegion({ name: 'long', base: 0x300, size: 16, accessSizes: [1] });
const longOptions = defineOptions({
  period: option.integer({ description: 'period', default: 10 }),
});
${registers.map(declaration).join('\n')}
@device({ type: 'long', description: 'Edition ${edition}' })
export class Long extends IsaDevice {
  readonly irq = new InterruptPin();
  @state sum = 0;
  @state ticks = 0;
  private readonly tick: Timer;
  constructor(@inject(VirtualClock) private readonly clock: VirtualClock, @options(longOptions) private readonly config: OptionsOf<typeof longOptions>) {
    super();
    this.tick = clock.timer('tick', () => this.onTick());
  }
${registers.map(member).join('\n')}
  override reset(): void {
    super.reset();
    this.sum = this.ticks = 0;
    this.tick.arm(this.clock.now + this.config.period * MICROSECOND);
  }
  private onTick(): void {
    this.ticks = (this.ticks + 1) & 0xffff;
    this.irq.set((this.ticks & 1) === 1);
    this.tick.arm(this.clock.now + this.config.period * MICROSECOND);
  }
}
`;
  const lines = text.split('\n').length;
  return `${text}${'// Padding.\n'.repeat(Math.max(0, 250 - lines))}`;
}

import {
  bits,
  defineOptions,
  device,
  InterruptPin,
  input,
  interruptController,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  SystemDevice,
  state,
} from '../sdk/index.ts';

const Register = { Priority: 0x4, Pending: 0x1000, Enable: 0x2000, Threshold: 0x20_0000, Claim: 0x20_0004 } as const;
/** Words of a context's enables: 1,024 bits. @see RISC-V PLIC Specification 1.0.0, "Memory Map" */
const EnableWords = 32;
/** Sources of this model, 0 included, which is none. The specification has 1,024, and 15,872 contexts. */
const Words = 8;
const Sources = 32 * Words;
const MostContexts = 8;
const ContextStride = 0x1000;
/** What a hart's cause register calls it in machine mode. @see RISC-V Privileged Architecture, "Machine Cause Register (mcause)" */
const MachineExternalInterrupt = 11;

export const plicRegisters = mmioRegion({ name: 'plic', size: 0x400_0000, accessSizes: [4] });
/** Seven priorities, as in SiFive's chips and QEMU. Zero never interrupts. */
const level = { level: bits(0, 2), rest: bits(3, 31, 'constant') } as const;
const priority = plicRegisters.register(Register.Priority, { width: 32, fields: level, count: Sources - 1 });
const pendingBits = plicRegisters.register(Register.Pending, {
  width: 32,
  count: Words,
  access: 'read-only',
  atReset: 'set-by-device',
});
const enables = plicRegisters.register(Register.Enable, { width: 32, count: EnableWords * MostContexts });
const ofContext = { width: 32, count: MostContexts, stride: ContextStride } as const;
const threshold = plicRegisters.register(Register.Threshold, { ...ofContext, fields: level });
const claim = plicRegisters.register(Register.Claim, { ...ofContext, access: 'read-only' });
const completion = plicRegisters.register(Register.Claim, { ...ofContext, access: 'trigger' });

export const plicOptions = defineOptions({
  sources: option.integer({ description: 'number of sources, from 1 on', default: 31, range: [1, Sources - 1] }),
  contexts: option.integer({ description: 'number of contexts, from 0 on', default: 1, range: [1, MostContexts] }),
});

/**
 * RISC-V platform-level interrupt controller. Each source has a gateway: while its level is high it requests an interrupt, and
 * the next one when that is completed. Output `external[n]` interrupts context n.
 *
 * As a machine's interrupt controller it interrupts by context 0, and a guest claims which source it was.
 *
 * A hostile guest can lose or repeat its own interrupts. Registers of sources and contexts that are not there stay zero.
 *
 * @see RISC-V PLIC Specification 1.0.0, "Interrupt Gateways" to "Interrupt Completion"
 */
@device({ type: 'plic', description: 'RISC-V platform-level interrupt controller' })
@interruptController()
export class Plic extends SystemDevice {
  readonly external: readonly InterruptPin[];
  /** Of source 1, 2 and so on. */
  @priority readonly priority = new Uint32Array(Sources - 1);
  /** IP: requests that no context has claimed. */
  @pendingBits readonly pendingBits = new Uint32Array(Words);
  @enables readonly enables = new Uint32Array(EnableWords * MostContexts);
  @threshold readonly threshold = new Uint32Array(MostContexts);
  @claim readonly claim = new Uint32Array(MostContexts);
  /** Claimed, and not completed. */
  @state protected readonly claimed = new Uint32Array(Words);
  @state({ atReset: 'kept' }) private readonly levels = new Uint32Array(Words);

  constructor(@options(plicOptions) protected readonly config: OptionsOf<typeof plicOptions>) {
    super();
    const contexts = Array.from({ length: config.contexts }, (_, context) => context);
    this.external = contexts.map((context) => new InterruptPin(() => this.isRequested(context)));
  }

  /** Whether context 0 is interrupted. */
  get pending(): boolean {
    return this.isRequested(0);
  }

  /** The cause; the guest claims the source. */
  acknowledge(): number {
    return MachineExternalInterrupt;
  }

  @input({ count: Sources, description: 'level of a source; 0 is none' })
  source(level: boolean, source: number): void {
    if (!this.exists(source)) return;
    const word = wordOf(source);
    const bit = bitOf(source);
    this.levels[word] = level ? this.levels[word]! | bit : this.levels[word]! & ~bit;
    this.requestIn(word);
  }

  @priority.onWrite()
  keepPriority(value: number, _previous: number, at: number): number {
    return this.exists(at + 1) ? value : 0;
  }

  @enables.onRead()
  showEnables(value: number, at: number): number {
    return at < EnableWords * this.config.contexts ? (value & this.sourcesIn(at % EnableWords)) >>> 0 : 0;
  }

  @threshold.onWrite()
  keepThreshold(value: number, _previous: number, context: number): number {
    return context < this.config.contexts ? value : 0;
  }

  /** The threshold does not matter here: a guest that polls sets it high. @see RISC-V PLIC Specification 1.0.0, "Interrupt Claim Process" */
  @claim.onRead()
  claimHighest(_value: number, context: number): number {
    const source = this.highest(context, 0);
    const word = wordOf(source);
    const bit = bitOf(source);
    if (source !== 0) {
      this.pendingBits[word]! &= ~bit;
      this.claimed[word]! |= bit;
    }
    return source;
  }

  /** By a context that has it enabled, or else nothing happens. @see RISC-V PLIC Specification 1.0.0, "Interrupt Completion" */
  @completion
  complete(source: number, context: number): undefined {
    if (!this.exists(source) || context >= this.config.contexts) {
      return this.guestError(`context ${context} completes source ${source}: one of them is not there`);
    }
    const word = wordOf(source);
    const bit = bitOf(source);
    const isEnabled = (this.enables[context * EnableWords + word]! & bit) !== 0;
    if (!isEnabled || (this.claimed[word]! & bit) === 0) {
      return this.guestError(`context ${context} completes source ${source}, which it has not claimed or not enabled`);
    }
    this.claimed[word]! &= ~bit;
    this.requestIn(word);
    return undefined;
  }

  override reset(): void {
    super.reset();
    this.claimed.fill(0);
    this.pendingBits.fill(0);
    for (let word = 0; word < Words; word++) this.requestIn(word);
  }

  protected isRequested(context: number): boolean {
    return this.highest(context, this.threshold[context]!) !== 0;
  }

  /** The requested source with the highest priority above another, the first of several; 0 if there is none. */
  protected highest(context: number, above: number): number {
    if (context >= this.config.contexts) return 0;
    let highest = above;
    let best = 0;
    for (let word = 0; word <= this.config.sources >> 5; word++) {
      let candidates = this.pendingBits[word]! & this.enables[context * EnableWords + word]! & ~this.claimed[word]!;
      for (; candidates !== 0; candidates &= candidates - 1) {
        const source = 32 * word + 31 - Math.clz32(candidates & -candidates);
        const own = this.priority[source - 1]!;
        if (own <= highest) continue;
        highest = own;
        best = source;
      }
    }
    return best;
  }

  /** The gateways: a high level requests, unless a request of that source is under way. */
  protected requestIn(word: number): void {
    this.pendingBits[word]! |= this.levels[word]! & ~this.claimed[word]!;
  }

  private exists(source: number): boolean {
    return source > 0 && source <= this.config.sources;
  }

  /** The bits of those that exist. */
  private sourcesIn(word: number): number {
    const { sources } = this.config;
    const notZero = word === 0 ? ~1 : ~0;
    if (word < sources >> 5) return notZero;
    return word === sources >> 5 ? notZero & (2 ** ((sources & 31) + 1) - 1) : 0;
  }
}

const wordOf = (source: number): number => source >> 5;
const bitOf = (source: number): number => 1 << (source & 31);

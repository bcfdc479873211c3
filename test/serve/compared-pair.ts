import type { Device, UsedDevice } from '../../sdk/index.ts';
import type { PciDevice } from '../../sdk/pci.ts';
import { TestBench } from '../../sdk/testing/bench/test-bench.ts';
import { performOnBackend } from '../../sdk/testing/conformance/backend-steps.ts';
import { Layout, ramOf } from '../../sdk/testing/conformance/layout.ts';
import { type AccessWidth, formatValue, letPass, type ScriptStep } from '../../sdk/testing/conformance/script.ts';
import { clockWithSides, firstDifference, lowMemory, Memory, stateOf } from './compared-side.ts';
import { keepsMessagesOn, masksFunction, openEntries } from './compared-vectors.ts';
import type { QtestGuest } from './qemu-guest.ts';
import { configCommands, memoryCommand, portCommand } from './qtest-words.ts';
import type { ServedSides } from './served-sides.ts';

/** Both states are compared after so many steps. */
const StepsBetweenLooks = 25;

type Access = ScriptStep & { readonly kind: 'read' | 'write' };

/** The first difference of a script, and how many of its steps led there. */
export interface Difference {
  readonly text: string;
  readonly steps: number;
}

/** Steps from power-on. */
export interface ComparedScript {
  readonly steps: readonly ScriptStep[];
  /** Nothing masks the vectors of MSI-X; otherwise all of them are masked. */
  readonly opensTable: boolean;
}

/** A command that QEMU has not got yet, the step that it is of, and what it is to answer. */
interface Waiting {
  readonly command: string;
  readonly step: number;
  readonly expected: { readonly value: bigint; readonly size: AccessWidth; readonly where: string } | undefined;
}

/** One device on a bench in this process, and one behind QEMU's host bridge. */
export class ComparedPair {
  /** Reads and writes of the device's BARs and configuration that both sides have done. */
  accesses = 0;
  readonly bench: TestBench<Device>;
  readonly layout: Layout;
  private readonly rises = { here: 0, there: 0 };
  private readonly vectors: { here: number[]; there: number[] } = { here: [], there: [] };
  private isResetting = false;
  /** The guest has the table of MSI-X open: each vector goes to a place of its own in memory. */
  private isTableOpen = false;
  /** A write that QEMU does not wait for may be on its way. */
  private isPosted = false;
  private waiting: Waiting[] = [];
  /** The step that is done now. */
  private at = 0;

  constructor(
    { device, options = {} }: UsedDevice,
    images: Readonly<Record<string, number>>,
    private readonly guest: QtestGuest,
    private readonly sides: ServedSides,
  ) {
    this.bench = new TestBench(device, { options, images, addr: '05.0', ram: Memory } as never);
    this.layout = new Layout(this.bench, this.bench.device.metadata);
  }

  private get here(): PciDevice {
    return this.bench.device as unknown as PciDevice;
  }

  private get there(): PciDevice {
    return this.guest.served.device;
  }

  /** Interrupts that the device on the bench has sent: both have sent as many. */
  get interrupts(): number {
    return this.rises.here + this.vectors.here.length;
  }

  /** The memory has the same bytes, and both are watched. */
  async begin(): Promise<void> {
    const { here, there } = this;
    here.interruptOut.connect((level) => this.rose('here', level));
    there.interruptOut.connect((level) => this.rose('there', level));
    here.msi.observer = (_address, _data, vector) => void this.vectors.here.push(vector);
    there.msi.observer = (_address, _data, vector) => void this.vectors.there.push(vector);
    const ram = ramOf(this.bench);
    for (let at = 0; at < ram.length; at++) ram[at] = (at * 7 + (at >> 8)) & 0xff;
    await this.guest.qemu.qtest.command(`b64write ${lowMemory} ${Buffer.from(ram).toString('base64')}`);
  }

  /** Runs the steps from power-on until the first difference. Commands wait for the next step that needs QEMU to have done them. */
  async run({ steps, opensTable }: ComparedScript): Promise<Difference | undefined> {
    this.isTableOpen = opensTable;
    await this.act({ kind: 'reset' });
    for (const [index, step] of steps.entries()) {
      this.at = index;
      const isLook = index % StepsBetweenLooks === 0 || index === steps.length - 1;
      const found = (await this.step(step)) ?? (isLook ? await this.look() : undefined);
      if (found !== undefined) return found;
    }
    return this.different(await this.memoryDifference());
  }

  private async step(step: ScriptStep): Promise<Difference | undefined> {
    const before = this.vectors.here.length;
    if (step.kind === 'read' || step.kind === 'write') this.access(step);
    else if (step.kind === 'config-write' || step.kind === 'config-read') this.accessConfig(step);
    else {
      const found = await this.catchUp();
      if (found !== undefined) return found;
      await this.act(step);
    }
    // QEMU may carry out messages that wait in another order, so none waits when the next one is sent.
    return this.vectors.here.length === before ? undefined : this.catchUp(true);
  }

  /** What no access is. */
  private async act(step: ScriptStep): Promise<void> {
    const { bench, guest } = this;
    if (step.kind === 'wait') {
      letPass(bench.clock, step.nanoseconds);
      letPass(clockWithSides(guest.served.machine.clock as never, this.sides), step.nanoseconds);
    } else if (step.kind === 'reset') {
      this.isResetting = true;
      bench.reset();
      await this.resetThere();
      this.isResetting = false;
      this.openTable();
    } else if (step.kind === 'receive' || step.kind === 'other-side' || step.kind === 'fail') {
      performOnBackend(bench, step);
      this.sides.perform(step);
    }
  }

  private access(step: Access): void {
    const { bench } = this;
    const { kind, space, address, size } = step;
    if (!this.isCompared(step)) return;
    const isBar = space === 'ports' || address >= Memory;
    // The device has a posted write before the guest looks at memory, or changes it.
    if (!isBar && this.isPosted) this.askConfig(0xf8);
    this.isPosted = isBar ? kind === 'write' && space === 'memory' : false;
    const where = space === 'ports' ? bench.io : bench.memory;
    const value = kind === 'write' ? step.value : undefined;
    const command =
      space === 'ports' ? portCommand(address, size as 1 | 2 | 4, value) : memoryCommand(address, size, value);
    if (value === undefined) {
      const read = size === 8 ? where.read64(address) : BigInt(where.read(address, size));
      this.ask(command, { value: read, size, where: `${space} at ${formatValue(address, 4)}` });
    } else {
      if (size === 8) where.write64(address, BigInt(value));
      else where.write(address, Number(value), size);
      this.ask(command);
    }
    if (isBar) this.accesses++;
  }

  private accessConfig(step: ScriptStep & { readonly kind: 'config-read' | 'config-write' }): void {
    const { bench } = this;
    const { kind, offset, size } = step;
    const registers = bench.bus.registersOf(bench.device);
    const value = kind === 'config-write' ? step.value : undefined;
    if (value !== undefined && keepsMessagesOn(this.here, offset, size, value)) return;
    if (value !== undefined && this.isTableOpen && masksFunction(this.here, offset, size, value)) return;
    this.isPosted = false;
    const [select, access] = configCommands(offset, size, value);
    this.ask(select);
    if (value === undefined) {
      const read = BigInt(registers?.read(offset, size) ?? 0);
      this.ask(access, { value: read, size, where: `configuration at ${formatValue(offset, 1)}` });
    } else {
      registers?.write(offset, value, size);
      this.ask(access);
    }
    this.accesses++;
  }

  private ask(command: string, expected?: Waiting['expected']): void {
    this.waiting.push({ command, step: this.at, expected });
  }

  /**
   * QEMU does what waits, and the device has got all of it: a read that QEMU forwards comes behind posted writes. What came of it for
   * the other sides of back ends has reached them.
   */
  private async catchUp(always = false): Promise<Difference | undefined> {
    const { waiting } = this;
    if (waiting.length === 0 && !always) return undefined;
    this.waiting = [];
    let found: Difference | undefined;
    const commands = [...waiting.map(({ command }) => command), ...configCommands(0xf8, 4)];
    await this.guest.qemu.qtest.commands(commands, (index, answer) => {
      const { expected, step } = waiting[index] ?? {};
      if (found !== undefined || expected === undefined || BigInt(answer) === expected.value) return;
      const { value, size, where } = expected;
      const text = `${where}: here ${formatValue(value, size)}, through QEMU ${formatValue(BigInt(answer), size)}`;
      found = { text, steps: (step as number) + 1 };
    });
    this.sides.settle();
    return found;
  }

  /** Elsewhere each machine has something else. QEMU has the table of MSI-X, and drops writes of pending bits. */
  private isCompared(step: Access): boolean {
    const { space, address, size } = step;
    if (space === 'memory' && address + size <= Memory) return true;
    const inside = this.here.bars.all.some(
      ({ kind, address: base, size: length }) =>
        (kind === 'ports') === (space === 'ports') &&
        base !== undefined &&
        address >= base &&
        address + size <= base + length,
    );
    return inside && address % size === 0 && !this.isOfTable(step);
  }

  private isOfTable({ kind, address, size }: Access): boolean {
    const { msix, bars } = this.here;
    const touches = ({ bar, offset }: { readonly bar: number; readonly offset: number }, length: number): boolean => {
      const base = bars.all.find(({ index }) => index === bar)?.address;
      return base !== undefined && address < base + offset + length && base + offset < address + size;
    };
    if (msix.vectors === 0) return false;
    const pending = 8 * Math.ceil(msix.vectors / 64);
    return touches(msix.table, 16 * msix.vectors) || (kind === 'write' && touches(msix.pba, pending));
  }

  /** States, interrupts, mistakes of the guest, and what back ends have got. */
  private async look(): Promise<Difference | undefined> {
    const found = await this.catchUp();
    if (found !== undefined) return found;
    const { here, there, rises, vectors, bench, guest } = this;
    const text =
      firstDifference('state', stateOf(here), stateOf(there)) ??
      firstDifference('pin', [here.interruptOut.level, rises.here], [there.interruptOut.level, rises.there]) ??
      firstDifference('vectors', vectors.here, vectors.there) ??
      firstDifference(
        'guest errors',
        bench.guestErrors.map(({ message }) => message),
        guest.served.guestErrors.map(({ message }) => message).filter(isOfDevice),
      ) ??
      this.sides.difference(bench.backends, here);
    return this.different(text);
  }

  private async memoryDifference(): Promise<string | undefined> {
    const { qtest } = this.guest.qemu;
    // A message that was there before this command is in memory before the next one.
    await qtest.command('endianness');
    const text = await qtest.command(`b64read ${lowMemory}`);
    const theirs = Buffer.from(text, 'base64');
    const ours = ramOf(this.bench);
    if (Buffer.compare(ours, theirs) === 0) return undefined;
    const at = ours.findIndex((byte, index) => byte !== theirs[index]);
    const [here, there] = [ours[at] as number, theirs[at] as number];
    return `memory at ${formatValue(at, 4)}: here ${formatValue(here, 1)}, through QEMU ${formatValue(there, 1)}`;
  }

  private different(text: string | undefined): Difference | undefined {
    return text === undefined ? undefined : { text, steps: this.at + 1 };
  }

  /** Before a reset QEMU clears the command register: what the guest held back is up for a moment, on its side alone. */
  private rose(side: 'here' | 'there', level: boolean): void {
    if (level && !this.isResetting) this.rises[side]++;
  }

  private async resetThere(): Promise<void> {
    await this.guest.qemu.qmp.reset();
    for (const { register, address = 0, is64Bit } of this.here.bars.all) {
      this.askConfig(register, address % 2 ** 32);
      if (is64Bit) this.askConfig(register + 4, Math.floor(address / 2 ** 32));
    }
    this.askConfig(4, 7);
    await this.catchUp();
  }

  private openTable(): void {
    const { here, bench } = this;
    if (!this.isTableOpen) return;
    for (const [address, value] of openEntries(here)) {
      bench.memory.write(address, value, 4);
      this.ask(memoryCommand(address, 4, value));
    }
  }

  private askConfig(offset: number, value?: number): void {
    for (const command of configCommands(offset, offset === 4 ? 2 : 4, value)) this.ask(command);
  }
}

/** A machine reports widths that a region refuses, and a bench does not. */
const isOfDevice = (message: string): boolean =>
  !message.includes('the region does not accept this width or alignment');

import type { MachineEvent } from '../../../sdk/runtime.ts';

/** Ports whose reads say what time it is: how often a guest polls them depends on how fast it runs. */
const TimePorts: readonly number[] = [0x40, 0x41, 0x42, 0x61];
/** Where the beam of the screen is. */
const BeamPort = 0x3da;
/** What firmware reads while it waits: the status of the keyboard controller, and around each change of mode the masks of NMI and A20. */
const PolledPorts: readonly number[] = [0x64, 0x70, 0x92];
/** The vector of IRQ 0 as a PC's firmware programs the 8259, and how its handler ends: EOI, and IRET right behind it. */
const TimerVector = 8;
const Eoi = { port: 0x20, value: 0x20 } as const;
/** Of the ports of power management. */
const TimerOffset = 8;

interface Line {
  readonly text: string;
  /** Of a polled port; undefined for all other accesses. */
  readonly polled: number | undefined;
}

/**
 * The accesses of a guest, as far as they do not depend on time, one line each: `out8 0x70 0xf`. Left out are reads of the PIT, of port
 * 0x61 and of the ACPI timer, what a handler of IRQ 0 does, and where the beam of the screen is. Of polls in a row the last ones are
 * there. The elements of a string are accesses each.
 */
export class AccessSequence {
  readonly #lines: Line[] = [];
  #inTimerHandler = false;
  /** What was left out, by the reason. */
  readonly leftOut = { time: 0, timerHandler: 0, polls: 0 };

  constructor(private readonly powerManagementBase: () => number) {}

  get lines(): readonly string[] {
    return this.#lines.map(({ text }) => text);
  }

  observe(event: MachineEvent): void {
    if (event.kind === 'vector' && event.vector === TimerVector) this.#inTimerHandler = true;
    if (event.kind !== 'access') return;
    const { isPort, isWrite, address, size, value } = event;
    if (this.#inTimerHandler) {
      this.leftOut.timerHandler++;
      if (isPort && isWrite && address === Eoi.port && value === Eoi.value) this.#inTimerHandler = false;
      return;
    }
    const isInput = isPort && !isWrite;
    if (isInput && this.#isTime(address)) {
      this.leftOut.time++;
      return;
    }
    const polled = isInput && PolledPorts.includes(address) ? address : undefined;
    if (polled !== undefined) this.#forgetPolls(polled);
    const name = isPort ? (isWrite ? 'out' : 'in') : isWrite ? 'store' : 'load';
    const shown = isInput && address === BeamPort ? '' : ` 0x${value.toString(16)}`;
    this.#lines.push({ text: `${name}${size * 8} 0x${address.toString(16)}${shown}`, polled });
  }

  /** The last poll of this port, and what was polled since. */
  #forgetPolls(port: number): void {
    const lines = this.#lines;
    for (let at = lines.length - 1; lines[at]?.polled !== undefined; at--) {
      if (lines[at]!.polled !== port) continue;
      this.leftOut.polls += lines.length - at;
      lines.length = at;
      return;
    }
  }

  #isTime(port: number): boolean {
    return TimePorts.includes(port) || port === this.powerManagementBase() + TimerOffset;
  }
}

/** Where two sequences begin to differ, with what is around, for people. Undefined: they are equal. */
export function firstDifference(ours: readonly string[], theirs: readonly string[]): string | undefined {
  const at = ours.findIndex((line, index) => line !== theirs[index]);
  const first = at < 0 ? ours.length : at;
  if (at < 0 && ours.length === theirs.length) return undefined;
  const around = (lines: readonly string[]) =>
    lines
      .slice(Math.max(0, first - 8), first + 8)
      .map((line, index) => `${Math.max(0, first - 8) + index === first ? '>' : ' '} ${line}`)
      .join('\n');
  return `access ${first} of ${ours.length} and ${theirs.length} differs:\n${around(ours)}\nand on the other kernel:\n${around(theirs)}`;
}

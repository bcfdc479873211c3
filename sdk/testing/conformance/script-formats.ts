import { type Guest, type GuestProgram, type GuestStep, guestProgram } from '../../accelerator/index.ts';
import { hex } from '../../base/text.ts';
import { type Answer, configAddress, formatValue, type ScriptStep, type Space } from './script.ts';

/** The script for a simulated processor. What reads answer is put into `answers`, step by step. */
export function asGuestProgram(script: readonly ScriptStep[], answers: (Answer | undefined)[]): GuestProgram {
  return guestProgram('conformance', function* (guest) {
    for (const [index, step] of script.entries()) {
      if (step.kind === 'wait') yield* guest.pause(step.nanoseconds);
      else if (step.kind === 'write') yield* write(guest, step);
      else if (step.kind === 'read') answers[index] = formatValue(yield* read(guest, step), step.size);
    }
  });
}

function write(guest: Guest, { space, size, address, value }: ScriptStep & { kind: 'write' }): GuestStep<void> {
  const isPort = space === 'ports';
  const narrow = Number(value);
  if (size === 1) return isPort ? guest.out8(address, narrow) : guest.store8(address, narrow);
  if (size === 2) return isPort ? guest.out16(address, narrow) : guest.store16(address, narrow);
  if (size === 4) return isPort ? guest.out32(address, narrow) : guest.store32(address, narrow);
  return guest.store64(address, BigInt(value));
}

function read(guest: Guest, { space, size, address }: ScriptStep & { kind: 'read' }): GuestStep<number | bigint> {
  const isPort = space === 'ports';
  if (size === 1) return isPort ? guest.in8(address) : guest.load8(address);
  if (size === 2) return isPort ? guest.in16(address) : guest.load16(address);
  if (size === 4) return isPort ? guest.in32(address) : guest.load32(address);
  return guest.load64(address);
}

/** Names what an address is, for the comments of printed scripts. */
export type Namer = (space: Space, address: number) => string | undefined;

/** Where what a step accesses is, for a script to be printed for another place than the bench. */
type Mover = (step: { readonly space: Space; readonly address: number }) => number;

/** The script as the body of a guest program, with what the guest cannot do as comments. */
export function asGuestCode(
  steps: readonly ScriptStep[],
  nameOf: Namer,
  addressOf: Mover = ({ address }) => address,
): string {
  const lines = steps.map((step) => {
    if (step.kind !== 'read' && step.kind !== 'write') return `  ${guestLine(step)}`;
    const name = nameOf(step.space, step.address);
    return `  ${guestLine({ ...step, address: addressOf(step) })}${name === undefined ? '' : ` // ${name}`}`;
  });
  return ['guestProgram(function* (guest) {', ...lines, '});'].join('\n');
}

function guestLine(step: ScriptStep): string {
  switch (step.kind) {
    case 'read':
      return `yield* guest.${step.space === 'ports' ? 'in' : 'load'}${8 * step.size}(${hex(step.address)});`;
    case 'write': {
      const value = `${hex(step.value)}${step.size === 8 ? 'n' : ''}`;
      return `yield* guest.${step.space === 'ports' ? 'out' : 'store'}${8 * step.size}(${hex(step.address)}, ${value});`;
    }
    case 'config-read':
      return `${selectCode(step)} yield* guest.in${8 * step.size}(${dataPort(step)});`;
    case 'config-write':
      return `${selectCode(step)} yield* guest.out${8 * step.size}(${dataPort(step)}, ${hex(step.value)});`;
    case 'wait':
      return `yield* guest.pause(${step.nanoseconds});`;
    case 'line':
      return `// another device: isaBus.line(${step.line}).set(${step.level})`;
    case 'reset':
      return '// machine.reset()';
    case 'restore':
      return '// saved here, and restored into a new device';
    case 'rebase':
      return '// the epoch moves: clock.rebase()';
  }
}

/** The same for a machine driven over qtest, QEMU's among them. */
export function asQtestScript(steps: readonly ScriptStep[]): string {
  return steps.map(qtestLine).join('\n');
}

const Suffix = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' } as const;

function qtestLine(step: ScriptStep): string {
  switch (step.kind) {
    case 'read':
      return step.space === 'ports'
        ? `in${Suffix[step.size]} ${hex(step.address)}`
        : `read${Suffix[step.size]} ${hex(step.address)}`;
    case 'write': {
      const verb = step.space === 'ports' ? `out${Suffix[step.size]}` : `write${Suffix[step.size]}`;
      return `${verb} ${hex(step.address)} ${hex(step.value)}`;
    }
    case 'config-read':
      return `${selectCommand(step)}\nin${Suffix[step.size]} ${dataPort(step)}`;
    case 'config-write':
      return `${selectCommand(step)}\nout${Suffix[step.size]} ${dataPort(step)} ${hex(step.value)}`;
    case 'wait':
      return `clock_step ${step.nanoseconds}`;
    case 'line':
      return `# ISA interrupt line ${step.line} goes ${step.level ? 'up' : 'down'}`;
    case 'reset':
      return '# system_reset';
    case 'restore':
      return '# savevm, loadvm';
    case 'rebase':
      return "# the clock's epoch moves";
  }
}

const selected = (step: { readonly offset: number }): string => hex((configAddress(step) & ~3) >>> 0);
const dataPort = ({ offset }: { readonly offset: number }): string => hex(0xcfc + (offset & 3));
const selectCode = (step: { readonly offset: number }): string => `yield* guest.out32(0xcf8, ${selected(step)});`;
const selectCommand = (step: { readonly offset: number }): string => `outl 0xcf8 ${selected(step)}`;

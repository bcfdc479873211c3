import { hex } from '../../base/text.ts';
import { configAddress, type ScriptStep, type Space } from './guest-script.ts';

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

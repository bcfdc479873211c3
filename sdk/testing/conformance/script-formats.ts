import { type Guest, type GuestProgram, type GuestStep, guestProgram } from '../../accelerator/index.ts';
import { hex } from '../../base/text.ts';
import type { BusRegisters } from '../../bus/bus.ts';
import { backendText } from './backend-steps.ts';
import { transferText } from './bus-steps.ts';
import { type Answer, formatValue, type ScriptStep, type Space } from './script.ts';

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
type Namer = (space: Space, address: number) => string | undefined;

/** Where what a step accesses is, for a script to be printed for another place than the bench. */
type Mover = (step: { readonly space: Space; readonly address: number }) => number;

/** The script as the body of a guest program, with what the guest cannot do as comments. */
export function asGuestCode(
  steps: readonly ScriptStep[],
  nameOf: Namer,
  addressOf: Mover = ({ address }) => address,
  registers?: BusRegisters,
): string {
  const lines = steps.map((step) => {
    const accesses = accessesOf(step, registers);
    if (accesses === undefined) return `  ${otherThanAccess(step)[0]}`;
    if (step.kind !== 'read' && step.kind !== 'write') return `  ${accesses.map(guestCall).join(' ')}`;
    const name = nameOf(step.space, step.address);
    return `  ${guestCall({ ...step, address: addressOf(step) })}${name === undefined ? '' : ` // ${name}`}`;
  });
  return ['guestProgram(function* (guest) {', ...lines, '});'].join('\n');
}

/** The same for a machine driven over qtest, QEMU's among them. */
export const asQtestScript = (steps: readonly ScriptStep[], registers?: BusRegisters): string =>
  steps.map((step) => accessesOf(step, registers)?.map(qtestCommand).join('\n') ?? otherThanAccess(step)[1]).join('\n');

type Access = ScriptStep & { readonly kind: 'read' | 'write' };

/** An access of registers that the bus holds is one or several of ports; undefined for a step that is no access. */
function accessesOf(step: ScriptStep, registers: BusRegisters | undefined): readonly Access[] | undefined {
  if (step.kind === 'read' || step.kind === 'write') return [step];
  if (step.kind !== 'config-read' && step.kind !== 'config-write') return undefined;
  const value = step.kind === 'config-read' ? undefined : step.value;
  return registers?.accesses(step.offset, step.size, value).map((access) => {
    const where = { space: 'ports', address: access.port, size: access.size as 1 | 2 | 4 } as const;
    return access.value === undefined ? { kind: 'read', ...where } : { kind: 'write', ...where, value: access.value };
  });
}

function guestCall(step: Access): string {
  const { kind, space, size } = step;
  const verb = space === 'ports' ? (kind === 'read' ? 'in' : 'out') : kind === 'read' ? 'load' : 'store';
  const value = kind === 'read' ? '' : `, ${hex(step.value)}${size === 8 ? 'n' : ''}`;
  return `yield* guest.${verb}${8 * size}(${hex(step.address)}${value});`;
}

const Suffix = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' } as const;

function qtestCommand(step: Access): string {
  const { kind, space, size } = step;
  const verb = space === 'ports' ? (kind === 'read' ? 'in' : 'out') : kind;
  return `${verb}${Suffix[size]} ${hex(step.address)}${kind === 'read' ? '' : ` ${hex(step.value)}`}`;
}

/** The other steps, as a line of a guest program and of a qtest script. */
function otherThanAccess(step: ScriptStep): readonly [guest: string, qtest: string] {
  switch (step.kind) {
    case 'wait':
      return [`yield* guest.pause(${step.nanoseconds});`, `clock_step ${step.nanoseconds}`];
    case 'pin': {
      const { pin, level } = step;
      return [`// bench.setPin('${pin}', ${level})`, `# input pin '${pin}' goes ${level ? 'high' : 'low'}`];
    }
    case 'transfer':
      return transferText(step);
    case 'receive':
    case 'other-side':
    case 'fail':
      return backendText(step);
    case 'reset':
      return ['// machine.reset()', '# system_reset'];
    case 'restore':
      return ['// saved here, and restored into a new device', '# savevm, loadvm'];
    default:
      return ['// the epoch moves: clock.rebase()', "# the clock's epoch moves"];
  }
}

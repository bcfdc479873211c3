import type { SimulatedAcceleratorOptions } from '../../accelerator/index.ts';
import type { MachineChoice } from '../options/machine.ts';

/** One replay of a recording: the machine options and the coalescing. */
export interface ReplayMode {
  readonly name: string;
  /** The head of its column in the summary. */
  readonly column: string;
  readonly title: string;
  readonly machineOptions: Readonly<Record<string, unknown>>;
  readonly accelerator: SimulatedAcceleratorOptions;
}

const overlay = { resetControl: 'overlay' } as const;

/** The one replay of the command line. */
export function singleMode(machine: MachineChoice, accelerator: SimulatedAcceleratorOptions): ReplayMode[] {
  const { options = {} } = machine.request;
  const name = machine.definition.name;
  return [{ name: 'replay', column: name, title: `Replay on ${name}`, machineOptions: options, accelerator }];
}

/** Three replays: coalescing off, QEMU's map if the machine has that option, and as given. */
export function comparedModes(machine: MachineChoice, accelerator: SimulatedAcceleratorOptions): ReplayMode[] {
  const { options = {} } = machine.request;
  const hasOverlay = machine.definition.options?.names.includes('resetControl') === true;
  const modes: ReplayMode[] = [
    {
      name: 'off',
      column: 'off',
      title: 'Coalescing off',
      machineOptions: options,
      accelerator: { ...accelerator, coalescedMmio: false, coalescedPio: false },
    },
    {
      name: 'overlay',
      column: "QEMU's overlay",
      title: "QEMU's overlay: the reset register overlaps the address ports",
      machineOptions: { ...options, ...overlay },
      accelerator,
    },
    {
      name: 'ours',
      column: 'ours',
      title:
        options['resetControl'] === 'overlay'
          ? 'As given: the same'
          : 'Ours: the reset register is behind the host bridge (subtractive decode)',
      machineOptions: options,
      accelerator,
    },
  ];
  return hasOverlay ? modes : modes.filter(({ name }) => name !== 'overlay').map(withoutBridge);
}

const withoutBridge = (mode: ReplayMode): ReplayMode => (mode.name === 'ours' ? { ...mode, title: 'Ours' } : mode);

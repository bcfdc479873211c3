import type { QemuProgram } from '../../../sdk/testing/qemu/index.ts';
import type { Processes } from './processes.ts';

/** What each measurement has. */
export interface ServeBench {
  readonly processes: Processes;
  readonly rounds: number;
  readonly qemu: { readonly program: QemuProgram; readonly version: string };
  /** The path of `backplane`, built as in an installed package. */
  readonly command: string;
  readonly progress: (what: string) => void;
}

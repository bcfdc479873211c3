import { type AccessTap, checkTap } from '../accelerator/tap.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Machine } from './machine.ts';

/**
 * Taps a range of ports or memory, to test a guest against faults. Answers how to remove the tap: the machine is then as it was. Several
 * taps see an access one after the other, the last one first. Without a tap an access costs nothing more.
 *
 * The map of the machine stays, and so does what is coalesced: only what an access reads or writes can change. A recording that is
 * begun while there is a tap is marked: its replay is not expected to have equal counts.
 *
 *     const untap = tap(machine, { space: 'ports', start: 0x3fd, size: 1, read: () => 0xff });
 */
export function tap(machine: Machine, added: AccessTap): () => void {
  checkTap(added);
  if (machine.inbox.recorder !== undefined) {
    throw new BackplaneError(
      'tap-while-recording',
      `Machine '${machine.definition.name}' is being recorded, and its recording says that it has no tap. Tap it before the recording begins.`,
    );
  }
  const { accelerator } = machine;
  accelerator.useTaps([...accelerator.taps, added]);
  let isThere = true;
  return () => {
    if (!isThere) return;
    isThere = false;
    accelerator.useTaps(accelerator.taps.toSpliced(accelerator.taps.lastIndexOf(added), 1));
  };
}

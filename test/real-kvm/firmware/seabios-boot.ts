import { Debugcon, Piix4Pm } from '../../../devices/index.ts';
import { type Accelerator, defineObserver, Machine, type RunOutcome, tap } from '../../../sdk/runtime.ts';
import { firmwareGuest, firmwarePc, seaBiosRequest } from '../../machines/boots.ts';
import { AccessSequence } from './sequence.ts';

const Last = 'No bootable device.';
const Rtc = { index: 0x70, data: 0x71, last: 0x09, statusA: 0x0a, statusC: 0x0c, century: 0x32 } as const;
const UpdateInProgress = 0x80;
const UpdateEnded = 0x10;

export interface FirmwareBoot {
  readonly lines: readonly string[];
  readonly leftOut: AccessSequence['leftOut'];
  readonly log: string;
  readonly outcome: RunOutcome;
}

/** SeaBIOS from reset until it has nothing to boot from; its clock stands. */
export function bootSeaBios(accelerator: Accelerator, operationLimit: number): FirmwareBoot {
  const machine = Machine.create(firmwarePc, { ...seaBiosRequest(), accelerator });
  try {
    holdClock(machine);
    const pm = machine.device(Piix4Pm);
    const sequence = new AccessSequence(() => pm.powerManagementBase & 0xffc0);
    machine.observe(
      defineObserver({ name: 'sequence', start: () => ({ observe: (event) => sequence.observe(event) }) }),
    );
    const console = machine.device(Debugcon);
    let log = '';
    console.output = (character) => {
      log += character;
      if (log.endsWith(Last)) machine.pause();
    };
    const outcome = machine.run(firmwareGuest, { operationLimit });
    return { lines: sequence.lines, leftOut: sequence.leftOut, log, outcome };
  } finally {
    machine.dispose();
  }
}

/** Thursday, 2026-01-01 00:00:00, by register; the others are zero. */
const StandingTime: Readonly<Record<number, number>> = { 6: 5, 7: 1, 8: 1, 9: 0x26, [Rtc.century]: 0x20 };

/** The clock stands: a guest reads one time only, however long it takes. */
function holdClock(machine: Machine): void {
  let index = 0;
  tap(machine, {
    space: 'ports',
    start: Rtc.index,
    size: 2,
    write(address, value, _size, carryOut) {
      if (address === Rtc.index) index = Number(value) & 0x7f;
      carryOut(value);
    },
    read(address, _size, carryOut) {
      const found = Number(carryOut());
      if (address !== Rtc.data) return found;
      if (index === Rtc.statusA) return found & ~UpdateInProgress;
      if (index === Rtc.statusC) return found & ~UpdateEnded;
      return index <= Rtc.last || index === Rtc.century ? (StandingTime[index] ?? 0) : found;
    },
  });
}

import { counted } from '../../base/text.ts';
import { DmaPort, PciDevice } from '../../bus/index.ts';
import type { Device } from '../../device/index.ts';
import { MiB } from '../../memory/index.ts';
import type { TestBench } from '../test-bench.ts';
import { type ScriptStep, stepUnderWay } from './guest-script.ts';

/** More bytes for one access or one timer have no bound but the guest's wish. */
const MostBytes = 16 * MiB;
/** Bytes for a whole program, where it is the accelerator that makes the accesses. */
const MostInProgram = 1024 * MiB;

/** Ends transfers that are as long as the guest wishes. A device that bounds them does not notice. */
export function limitTransfers(bench: TestBench<Device>): void {
  const { device } = bench;
  const ports = [bench.service(DmaPort), ...(device instanceof PciDevice ? [device.busMaster] : [])];
  let altogether = 0;
  let cause: ScriptStep | undefined;
  const count = (length: number): void => {
    const step = stepUnderWay()?.step;
    // Each timer that fires in a wait is a cause of its own.
    if (step !== cause || step?.kind === 'wait') altogether = 0;
    cause = step;
    altogether += length;
    if (length <= MostBytes && altogether <= (step === undefined ? MostInProgram : MostBytes)) return;
    throw new RangeError(
      `the device transfers ${counted(altogether, 'byte')} at once: the length that the guest gives has no bound. ` +
        'Refuse or cut what is too long.',
    );
  };
  for (const port of ports) {
    const { read, write } = port;
    port.read = (address, target) => {
      count(target.length);
      return read.call(port, address, target);
    };
    port.write = (address, source) => {
      count(source.length);
      return write.call(port, address, source);
    };
  }
}

import { SystemBus } from '../../bus/index.ts';
import { type Device, devicesIn, RamRegion } from '../../device/index.ts';
import type { TestBench } from '../bench/test-bench.ts';

/** The bytes of one region, by its path: `buffer`, or `channels[1].buffer` of a device inside. */
interface NamedMemory {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The RAM of the device and of devices inside it, always in the same order. What a ROM holds does not change. */
export function memoryOf(device: Device): readonly NamedMemory[] {
  return devicesIn(device).flatMap((one) =>
    one.device.metadata.regions.flatMap(({ template }) => {
      if (!(template instanceof RamRegion) || template.kind !== 'ram') return [];
      const name = one.name === '' ? template.name : `${one.name}.${template.name}`;
      return [{ name, bytes: template.bytesOf(one.device) }];
    }),
  );
}

/** Another bench of the class gets the guest's RAM and the device's own, as a snapshot of a machine has both. */
export function copyMemory(from: TestBench<Device>, to: TestBench<Device>): void {
  ramOf(to).set(ramOf(from));
  const targets = memoryOf(to.device);
  for (const [index, { bytes }] of memoryOf(from.device).entries()) targets[index]?.bytes.set(bytes);
}

/** Guest RAM of the bench, which devices reach by DMA. */
export function ramOf(bench: TestBench<Device>): Uint8Array {
  return bench.service(SystemBus).ram.ram?.bytes ?? new Uint8Array(0);
}

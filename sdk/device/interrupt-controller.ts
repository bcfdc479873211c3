import { BackplaneError } from '../base/errors.ts';
import { ClassAttribute, type DeviceInstance, type Token } from './class-metadata.ts';
import { recorderOf } from './class-recorder.ts';

/** A device that asks the processor for interrupts and answers with a vector, such as a pair of 8259A. */
export interface InterruptControllerDevice extends DeviceInstance {
  /** Whether it asks for an interrupt now. Read before each entry into the guest. */
  readonly pending: boolean;
  /** The processor takes the interrupt: answers the vector, 0 to 255. An event of the device. */
  acknowledge(): number;
}

/** What `@interruptController` declared. */
export const interruptControllerRole = new ClassAttribute<true>('interruptController');

/** Declares that the device can be the `interruptController` of a machine: it has `pending` and `acknowledge()`. */
export function interruptController() {
  return (deviceClass: Token<DeviceInstance & { readonly pending: boolean; acknowledge(): number }>): void => {
    const { acknowledge } = deviceClass.prototype as Partial<InterruptControllerDevice>;
    if (typeof acknowledge !== 'function') {
      throw new BackplaneError(
        'controller-without-vector',
        `Class ${deviceClass.name}: @interruptController stands on a class without acknowledge(): number, which answers the vector. ` +
          'Add it, or wire an output to the processor: interruptController: { from: pin(device, name), vector }.',
      );
    }
    recorderOf(deviceClass).set(interruptControllerRole, true);
  };
}

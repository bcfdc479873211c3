import type { BackplaneError } from '../base/errors.ts';
import type { StateError } from '../state/restore-plan.ts';
import type { WiringError } from './wiring.ts';

/** Codes of the errors that the machine room throws. The type is the error's class; those of a WiringError are in its `problems`. */
export interface MachineErrorCodes {
  /** A machine has several devices of the class that is asked for. @remedy Ask by id: `machine.deviceById(id)`. */
  'ambiguous-device': BackplaneError;
  /**
   * There are several services with state that have one name, and a snapshot could not tell them apart.
   * @remedy Bind the service in singleton scope, or give the classes different names.
   */
  'ambiguous-service': BackplaneError;
  /**
   * A service module returns a promise, and a machine is built synchronously.
   * @remedy Await before the module is made, and bind the result.
   */
  'asynchronous-module': WiringError;
  /**
   * An observer has no name or no start(), or its start() did not answer with observe().
   * @remedy Write `{ name: 'tally', start: (machine) => ({ observe(event) { ... } }) }`.
   */
  'bad-observer': BackplaneError;
  /** A machine cannot have so many bytes of RAM. @remedy Give a whole number of 4 KiB pages up to 4 GiB. */
  'bad-ram-size': BackplaneError;
  /** The definition gives an address to a region that is a BAR, which the guest places. @remedy Leave out the address. */
  'bar-placed': WiringError;
  /** A region ends beyond the container that it is mapped in. @remedy Place it lower. */
  'beyond-container': WiringError;
  /** The clock that the machine's services bind has no advanceTo(). @remedy Bind a ManualClock, or none. */
  'clock-cannot-advance': WiringError;
  /** A device cannot go: the processor or another device depends on it. @remedy Unplug the other device first, or swap both together. */
  'device-in-use': BackplaneError;
  /** Two devices of a machine have one id. @remedy Give one of them another id. */
  'duplicate-id': WiringError;
  /**
   * A PCI function lies in a slot whose function 0 says that it is the only one, so no guest finds it.
   * @remedy Give it a slot of its own, or function 0 `multifunction: true`.
   */
  'hidden-pci-function': WiringError;
  /** Two outputs are wired to one input. @remedy Use a bus line, or a device between that combines them. */
  'input-driven-twice': WiringError;
  /**
   * A device goes while one of its handlers is running.
   * @remedy Call pause() in the handler, and unplug or swap when run() has returned.
   */
  'inside-handler': BackplaneError;
  /**
   * An id has no printable character, or characters that are not printable, or more than 256.
   * @remedy Give 1 to 256 printable characters.
   */
  'invalid-id': WiringError;
  /** A device asks for RAM when it is running already. @remedy Make the RAM in onRealize(), and map it where it is needed. */
  'late-ram': BackplaneError;
  /**
   * No service module of the machine binds a service that a device, its bus or a wire needs.
   * @remedy Add a ContainerModule that binds it, or leave the device out.
   */
  'missing-service': WiringError;
  /** No device of the machine has that id, or is of that class. @remedy Take one of the ids that the message lists. */
  'no-such-device': BackplaneError;
  /** A wire begins or ends at a pin that its device does not have. @remedy Take one of the pins that the message lists. */
  'no-such-pin': WiringError;
  /** A definition places a region that its device does not have. @remedy Place one of the regions that the message lists. */
  'no-such-region': WiringError;
  /** What is restored is no snapshot of a machine. @remedy Restore what `machine.save()` answered. */
  'not-a-snapshot': StateError;
  /** A device that is not on the PCI bus has an addr. @remedy Leave it out. */
  'not-a-pci-device': WiringError;
  /**
   * The machine's interruptController names a device that has no `pending` or no acknowledge().
   * @remedy Name a device that has both, or leave interruptController out.
   */
  'not-an-interrupt-controller': WiringError;
  /** A definition says twice where a region of a device goes. @remedy Keep one of the two. */
  'placed-twice': WiringError;
  /** prepare() of a machine's definition threw. @remedy Look at the error's `cause`. */
  'prepare-failure': BackplaneError;
  /**
   * Two regions of one container share addresses and have the same priority.
   * @remedy Move one of them with `at: [place(region, address)]`, or give one a higher priority.
   */
  'region-overlap': WiringError;
  /**
   * A class cannot take the place of a device: its type, its bus, an option or its RAM differs.
   * @remedy Keep these in the new class, or start the machine again.
   */
  'replacement-mismatch': BackplaneError;
  /**
   * A service could not be made, or its reset() threw, or its module could not be loaded.
   * @remedy Look at the message's end, which says what was thrown.
   */
  'service-failure': BackplaneError;
  /** A snapshot is of a machine with another name. @remedy Restore it on the machine that was saved. */
  'snapshot-of-another-machine': StateError;
  /**
   * A snapshot has a format that this version does not read.
   * @remedy Restore it with the version that wrote it, or run the guest again and save.
   */
  'snapshot-version': StateError;
  /** A device plugs into a bus of a kind that no machine has. @remedy Extend IsaDevice, PciDevice or SystemDevice. */
  'unknown-bus': WiringError;
  /**
   * A timer is armed that belongs to no device, so no snapshot could bring it back.
   * @remedy Declare it in the constructor of a device, or let it expire before the machine is saved.
   */
  'unsavable-timer': BackplaneError;
  /**
   * A device that was plugged in while the machine ran has a wire that a snapshot cannot make again.
   * @remedy Put the device into the definition, or unplug it before the machine is saved.
   */
  'unsavable-wire': BackplaneError;
  /** A device is plugged in whose `when` does not hold for the machine. @remedy Leave `when` out. */
  'when-not-met': BackplaneError;
  /** A wire leads back to its beginning. @remedy Take one of the wires of the circle out. */
  'wire-loop': WiringError;
  /** A definition says twice where a pin of a device goes. @remedy Keep one of the two. */
  'wired-twice': WiringError;
  /**
   * The definition of a machine, or of a device that is plugged in, has mistakes; `problems` lists them, each with its code.
   * @remedy Mend what each problem says.
   */
  'wiring-mistakes': WiringError;
}

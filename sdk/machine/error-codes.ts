import type { BackplaneError } from '../base/errors.ts';
import type { StateError } from '../state/restore-plan.ts';
import type { WiringError } from './wiring.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors that the machine room throws. The type is the error's class; those of a WiringError are in its `problems`.
 */
export interface MachineErrorCodes {
  /** A device names a controller that has several buses. @remedy Write one of the names that the message lists. */
  'ambiguous-bus': WiringError;
  /** A machine has several devices of the class that is asked for. @remedy Ask by id: `machine.deviceById(id)`. */
  'ambiguous-device': BackplaneError;
  /** Services with state share one name, so a snapshot could not tell them apart. @remedy Bind one singleton, or rename a class. */
  'ambiguous-service': BackplaneError;
  /** A service module returns a promise, and a machine is built synchronously. @remedy Await first, then bind the result. */
  'asynchronous-module': WiringError;
  /** What defines a machine is no object, or its name, services or devices are of a wrong kind. @remedy Write `defineMachine({ ... })`. */
  'bad-definition': BackplaneError;
  /** The firmware of a machine is empty, larger than its ROM, or blank where its processor begins. @remedy Give another image. */
  'bad-firmware': BackplaneError;
  /** An observer has no name or start(), or start() answered no observe(). @remedy Write `{ name, start: () => ({ observe() {} }) }`. */
  'bad-observer': BackplaneError;
  /** A machine cannot have so many bytes of RAM. @remedy Give a whole number of 4 KiB pages up to 4 GiB. */
  'bad-ram-size': BackplaneError;
  /** The request for a machine, or a value in it, is of a wrong kind. @remedy Write what the message says. */
  'bad-request': BackplaneError;
  /** The wiring of a device, or its id, addr, when or options, is of a wrong kind. @remedy Write what the message says. */
  'bad-wiring': BackplaneError;
  /** The definition gives an address to a region that is a BAR, which the guest places. @remedy Leave out the address. */
  'bar-placed': WiringError;
  /** A region ends beyond the container that it is mapped in. @remedy Place it lower. */
  'beyond-container': WiringError;
  /** Two devices have one address on a bus. @remedy Give one of them another addr. */
  'bus-address-taken': WiringError;
  /** Controllers are plugged into the buses of each other. @remedy Give one of them another bus. */
  'bus-circle': WiringError;
  /** A bus has no address left for a device. @remedy Give the device an addr, or remove another one. */
  'bus-full': WiringError;
  /** A device has an addr on a bus without addresses. @remedy Leave it out. */
  'bus-without-addresses': WiringError;
  /** The clock that the machine's services bind has no advanceTo(). @remedy Bind a ManualClock, or none. */
  'clock-cannot-advance': WiringError;
  /** The processor or another device depends on a device. @remedy Unplug the other device first, or swap both together. */
  'device-in-use': BackplaneError;
  /** Two devices of a machine have one id. @remedy Give one of them another id. */
  'duplicate-id': WiringError;
  /** A gate has no signal, so it has no level. @remedy Give `anyOf` or `allOf` one or more signals, or wire nothing. */
  'empty-gate': BackplaneError;
  /** A wire of an output leads to a gate. @remedy Write the gate among the inputs of the device at the other end. */
  'gate-at-output': BackplaneError;
  /** Two wires lead to one input. @remedy Write `anyOf(...)` or `allOf(...)` among its inputs, or use a bus line. */
  'input-driven-twice': WiringError;
  /** A device is removed while one of its handlers runs. @remedy Call pause() there; unplug or swap when run() has returned. */
  'inside-handler': BackplaneError;
  /** An addr is no address of its bus. @remedy Write it as the message says. */
  'invalid-bus-address': WiringError;
  /**
   * An id has no printable character, or characters that are not printable, or more than 256.
   * @remedy Give 1 to 256 printable characters.
   */
  'invalid-id': WiringError;
  /** A device asks for RAM when it is running already. @remedy Make the RAM in onRealize(), and map it where it is needed. */
  'late-ram': BackplaneError;
  /** A machine is used after dispose(). @remedy Build another one with `Machine.create()`, or dispose it later. */
  'machine-disposed': BackplaneError;
  /** A machine has no bus of the kind that a device plugs into. @remedy Plug in a controller, or bind the bus as a service. */
  'missing-bus': WiringError;
  /** A device has no addr, and its bus gives none. @remedy Give it an addr as the message says. */
  'missing-bus-address': WiringError;
  /** No module binds a service that a device, its bus or a wire needs. @remedy Add a ContainerModule, or leave the device out. */
  'missing-service': WiringError;
  /** A machine without a ROM was given firmware. @remedy Leave the firmware out, or choose another machine. */
  'no-rom': BackplaneError;
  /** A device names a bus that the machine does not have. @remedy Write one of the names that the message lists. */
  'no-such-bus': WiringError;
  /** No device of the machine has that id, or is of that class. @remedy Take one of the ids that the message lists. */
  'no-such-device': BackplaneError;
  /** A wire begins or ends at a pin that its device does not have. @remedy Take one of the pins that the message lists. */
  'no-such-pin': WiringError;
  /** A definition places a region that its device does not have. @remedy Place one of the regions that the message lists. */
  'no-such-region': WiringError;
  /** What is restored is no snapshot of a machine. @remedy Restore what `machine.save()` answered. */
  'not-a-snapshot': StateError;
  /** A value in `at:` says no region and address. @remedy Write `at: [place(region, 0x500)]`. */
  'not-a-placement': BackplaneError;
  /** A device is named by a value that is no class, or a class stands there without use(). @remedy Write `use(TheClass)`. */
  'not-a-used-device': BackplaneError;
  /** A pin is wired to a value that is no wire. @remedy Write `pin(device, name)`, or a line of a bus. */
  'not-a-wire': BackplaneError;
  /** A wire leads to an output, perhaps in a circle. @remedy Name an input of a device. */
  'not-an-input': WiringError;
  /** An input follows an input, perhaps itself. @remedy Name an output of a device, or the signal that the other input follows. */
  'not-an-output': WiringError;
  /** The interruptController is not declared as one. @remedy Put `@interruptController()` above its class, or wire an output. */
  'not-an-interrupt-controller': WiringError;
  /** A definition says twice where a region of a device goes. @remedy Keep one of the two. */
  'placed-twice': WiringError;
  /** prepare() of a machine's definition threw. @remedy Look at the error's `cause`. */
  'prepare-failure': BackplaneError;
  /** Regions of one container overlap with one priority. @remedy Move one with `at: [place(region, address)]`, or raise its priority. */
  'region-overlap': WiringError;
  /** A region has an address, and the bus of its device has no ports and no memory. @remedy Leave out the base of the region. */
  'region-without-container': WiringError;
  /** A class cannot replace a device: its type, bus, options or RAM differ. @remedy Keep these, or start the machine again. */
  'replacement-mismatch': BackplaneError;
  /** A service could not be made, or its module or its reset() threw. @remedy Look at the end of the message, which says why. */
  'service-failure': BackplaneError;
  /** A snapshot is of a machine with another name. @remedy Restore it on the machine that was saved. */
  'snapshot-of-another-machine': StateError;
  /** A snapshot has a format that this version does not read. @remedy Use the version that wrote it, or run and save again. */
  'snapshot-version': StateError;
  /** A machine that is being recorded was to get a tap. @remedy Tap it before the recording begins: it is marked then. */
  'tap-while-recording': BackplaneError;
  /** A timer of no device is armed, and no snapshot could restore it. @remedy Declare it in a device, or let it expire first. */
  'unsavable-timer': BackplaneError;
  /** A device that was plugged in has a wire that no snapshot could restore. @remedy Define the device, or unplug it first. */
  'unsavable-wire': BackplaneError;
  /** A device is plugged in whose `when` does not hold for the machine. @remedy Leave `when` out. */
  'when-not-met': BackplaneError;
  /** A definition says twice where a pin of a device goes. @remedy Keep one of the two. */
  'wired-twice': WiringError;
  /** A machine, or a device that is plugged in, has wiring mistakes, listed in `problems`. @remedy Mend what each problem says. */
  'wiring-mistakes': WiringError;
  /** A device names a bus of another kind than it plugs into. @remedy Write one of the names that the message lists. */
  'wrong-bus-kind': WiringError;
}

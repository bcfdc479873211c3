import type { BackplaneError } from '../base/errors.ts';

/**
 * Types only: `test/architecture/error-codes.test.ts` reads this file, and makes the page of codes from it.
 * Codes of the errors of the device room. The type is the error's class.
 */
export interface DeviceErrorCodes {
  /** A handler or a hook is async or a generator, and a guest does not wait. @remedy Answer at once; for later, declare a timer. */
  'asynchronous-handler': BackplaneError;
  /** The value of an option is of another type, or out of its range. @remedy Give a value that the message describes. */
  'bad-option': BackplaneError;
  /** Writes to a range are coalesced, and no handler takes writes there. @remedy Move the range, or give it a handler or a register. */
  'coalesced-range-not-written': BackplaneError;
  /** `@interruptController` stands on a class without acknowledge(). @remedy Add it, or wire an output to the processor. */
  'controller-without-vector': BackplaneError;
  /** Two registers share a data port, and not their width or index register. @remedy Declare both from one `indexedRegisters(...)`. */
  'data-port-mismatch': BackplaneError;
  /** A decorator of the class stands above `@device`, which has checked the class already. @remedy Move `@device` to the top. */
  'decorator-above-device': BackplaneError;
  /** A class has a decorator twice that it may have once. @remedy Keep one of them. */
  'decorator-twice': BackplaneError;
  /** A device calls `set()` of a derived pin. @remedy Change the state that the level follows from, or make the pin without a function. */
  'derived-pin-set': BackplaneError;
  /** A device was made with `new` alone, so its timers are not known. @remedy Use `constructDevice`, `testBench` or a machine. */
  'device-made-with-new': BackplaneError;
  /** A device that is not realized was asked for its topology. @remedy Ask in `onRealize()`, or later. */
  'device-not-realized': BackplaneError;
  /** A device is realized a second time. @remedy Unrealize it first. */
  'device-realized-twice': BackplaneError;
  /** A class plugs into no bus. @remedy Let it extend `IsaDevice`, `PciDevice`, `SystemDevice`, or the device class of another bus. */
  'device-without-bus': BackplaneError;
  /** A handler for 8 bytes takes a number, which has 53 bits. @remedy Use `read64` or `write64`, with bigint. */
  'handler-needs-64-bit': BackplaneError;
  /** A handler takes no access, or one of a size that its region does not implement. @remedy Change its `size`, or the region's. */
  'handler-size-not-implemented': BackplaneError;
  /** A region that the class does not have is declared independent of coalesced writes. @remedy Name a region of the class. */
  'independent-region-unknown': BackplaneError;
  /**
   * The access sizes of a region are no run of 1, 2, 4 and 8 bytes, or said twice.
   * @remedy Give `accessSizes`, or `accepts` and `implements`, from the narrowest to the widest.
   */
  'invalid-access-sizes': BackplaneError;
  /** `@input` has a count that is none, stands on no method, or on one that takes no index. @remedy Change what the message names. */
  'invalid-input': BackplaneError;
  /** The type of a device is missing, or cannot follow `-device`. @remedy Use letters, digits, `-`, `_` and `.`, a letter first. */
  'invalid-device-type': BackplaneError;
  /** The named value of a field is a value twice, or does not fit into its bits. @remedy Change the value, or widen the field. */
  'invalid-field-value': BackplaneError;
  /** A register on a getter has bits that something must hold. @remedy Declare it read-only, or give it a hook or a setter. */
  'invalid-derived-register': BackplaneError;
  /** The index of a data port is an array or has 64 bits. @remedy Use a register of 8, 16 or 32 bits. */
  'invalid-index-register': BackplaneError;
  /** The declaration of an option has no kind, a bad name, an empty range or a bad default. @remedy Mend what the message names. */
  'invalid-option-declaration': BackplaneError;
  /** The base of a region is no address, or its ports pass the last one. @remedy Lower its base or its size. */
  'invalid-region-base': BackplaneError;
  /** The size of a region is no number of bytes, or more than there are ports. @remedy Give a whole number above 0. */
  'invalid-region-size': BackplaneError;
  /** The count or the stride of an array of registers is no number that lets them stand apart. @remedy Give whole numbers that fit. */
  'invalid-register-count': BackplaneError;
  /** A field of a register is none, or has bits that the register has not. @remedy Make it with `bit` or `bits`. */
  'invalid-register-field': BackplaneError;
  /** A register has no width, or one that registers cannot have there. @remedy Give it 8, 16, 32 or 64 bits. */
  'invalid-register-width': BackplaneError;
  /** A trigger is declared as if it held something, or only a trigger can be declared so. @remedy Do as the message says. */
  'invalid-trigger': BackplaneError;
  /** The reset value of a register does not fit into its bits. @remedy Give a value from 0 that does; a bigint for 64 bits. */
  'invalid-reset-value': BackplaneError;
  /** The image of a ROM is no `Uint8Array`, or longer than the region. @remedy Give bytes that fit, or a larger region. */
  'invalid-rom-image': BackplaneError;
  /** A device made a pin while it ran. @remedy Make it in the constructor, where a machine can wire it. */
  'late-pin': BackplaneError;
  /** `@device` was given nothing. @remedy Write `@device({ type: '...', description: '...' })`. */
  'missing-description': BackplaneError;
  /** A class is used as a device and has no `@device`. @remedy Put `@device({ type: '...', description: '...' })` on top of it. */
  'missing-device-decorator': BackplaneError;
  /** A region is read that does not deliver coalesced writes first. @remedy Add `@flushCoalescedIo`, or declare it independent. */
  'missing-flush': BackplaneError;
  /** The index register of a data port is no register of the class. @remedy Put it in front of the field that holds the index. */
  'missing-index-register': BackplaneError;
  /**
   * A region accepts narrower writes than it implements, and a handler cannot tell which bytes were written.
   * @remedy Give the handler the parameter `lanes`, or let the region accept no less than it implements.
   */
  'narrow-access-unsupported': BackplaneError;
  /** An option of this name is not declared. @remedy Use one of those that the message lists. */
  'no-such-option': BackplaneError;
  /** A class with `@device` extends no device. @remedy Let it extend IsaDevice, PciDevice or SystemDevice. */
  'not-a-device': BackplaneError;
  /** An option was to change while the machine ran, and it is not declared so. @remedy Declare it with `live: true`. */
  'option-not-live': BackplaneError;
  /** An option wires a pin that the device does not have. @remedy Name one of its pins. */
  'option-wires-unknown-pin': BackplaneError;
  /** A machine cannot fill a parameter of the constructor. @remedy Add `@inject(Service)` or `@options(declared)`, or a default value. */
  'parameter-not-injected': BackplaneError;
  /** A device is asked for a region that its class does not name, or before it is realized. @remedy Name it in a decorator. */
  'region-not-in-device': BackplaneError;
  /** A region has no name. @remedy Give it one: it is what `info mtree` shows. */
  'region-without-name': BackplaneError;
  /** A register has an access of its own and fields, which have theirs. @remedy Leave one of them out. */
  'register-access-and-fields': BackplaneError;
  /**
   * A wide access to a register can run into the bytes of a handler.
   * @remedy Let the region implement narrower accesses only, or make the handler a register.
   */
  'register-access-reaches-handler': BackplaneError;
  /** Bits of a register belong to no field. @remedy Name what is there, or add `reserved(...)`. */
  'register-bits-unassigned': BackplaneError;
  /** A field of the device cannot hold its register, or does not start with its reset value. @remedy Set it as the message says. */
  'register-field-mismatch': BackplaneError;
  /** Two fields of a register share bits. @remedy Give each bit to one field. */
  'register-fields-overlap': BackplaneError;
  /** The hook of a register would never be called, for no access changes or shows it. @remedy Give it another access, or drop the hook. */
  'register-hook-never-called': BackplaneError;
  /** A register or a field has two hooks of one kind. @remedy Keep one of them. */
  'register-hook-twice': BackplaneError;
  /** A hook is for a field that its register does not have. @remedy Use one of those that the message lists. */
  'register-hook-unknown-field': BackplaneError;
  /** A hook is for a register that the class does not have. @remedy Put the register in front of the field that holds it. */
  'register-hook-without-register': BackplaneError;
  /** No value of the index register chooses the register. @remedy Give the index more bits, or move the register. */
  'register-index-out-of-reach': BackplaneError;
  /** Two registers have one name, or one field of the device. @remedy Give each its own. */
  'register-name-taken': BackplaneError;
  /** A register is narrower than each access that its region implements. @remedy Widen it with reserved bits, or narrow the accesses. */
  'register-narrower-than-access': BackplaneError;
  /** A register decorates a method, or a trigger decorates something else. @remedy Decorate a field or a getter; a method only with a trigger. */
  'register-not-on-field': BackplaneError;
  /** Two registers share bytes. @remedy Move one, or declare one 'read-only' and the other 'write-only' in one place. */
  'register-overlap': BackplaneError;
  /** A subclass declares a register of its base anew, elsewhere or of another width. @remedy Declare it in the same place. */
  'register-redeclared': BackplaneError;
  /** A member of a device hides one that its base class needs. @remedy Rename it. */
  'reserved-member': BackplaneError;
  /** An option has a name that `-device` uses itself. @remedy Give it another name. */
  'reserved-option-name': BackplaneError;
  /** A name in `retired` is that of a field. @remedy Keep one of them. */
  'retired-state-present': BackplaneError;
  /** A field was added in a later version than the class has. @remedy Raise the version of the class. */
  'state-since-later-version': BackplaneError;
  /** `subDevice()` is called where no device is under construction. @remedy Call it where a field of a device gets its value. */
  'stray-sub-device': BackplaneError;
  /** The regions of a sub-device do not fit where the device around it puts them. @remedy Change container or offset. */
  'sub-device-misplaced': BackplaneError;
  /** A sub-device is kept in no field, so it has no name. @remedy Keep it in a field, or in a list in a field. */
  'sub-device-without-name': BackplaneError;
  /** A device has two timers of one name, by which a snapshot knows them. @remedy Rename one. */
  'timer-name-taken': BackplaneError;
  /** A class comes from another copy of this package. @remedy Install the package once: `npm dedupe`. */
  'two-copies': BackplaneError;
  /** A zero-extended register stands where accesses can begin inside it, or behind a data port. @remedy Align it, or use 'by-byte'. */
  'zero-extended-misplaced': BackplaneError;
}

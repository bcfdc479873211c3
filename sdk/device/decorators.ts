import { injectable, inject as injectService, optional } from 'inversify';
import { checkBrackets } from '../base/decorated-member.ts';
import { completeClass } from './class-builder.ts';
import type { CoalescedDeclaration, DeviceDescription, Token } from './class-metadata.ts';
import { recorderOf } from './class-recorder.ts';
import type { DeviceClass } from './device.ts';
import type { OptionSet, OptionsOf } from './options/set.ts';
import type { HandledRegion } from './regions/handlers.ts';
import type { RamRegion } from './regions/ram.ts';
import type { ContainerRegion } from './regions/region.ts';

/**
 * Decorators record what a class says about itself; they wrap nothing and change no method. `@inject` and `@options` also tell
 * the container. `@device` puts the records of the class and its bases together, checks them as a whole and freezes them.
 * Regions are built from that when a device is realized.
 *
 * Members are decorated first, then the constructor's parameters, then the class from the bottom up. Put `@device`
 * on top: it must run last.
 */

/** Makes the class a device model: checks all it declares, and refuses with a sentence what cannot work. */
export function device(description: DeviceDescription) {
  checkBrackets(description, undefined, "@device({ type: 'name', description: 'what it is' })");
  return (deviceClass: DeviceClass, context?: unknown): void => {
    const record = recorderOf(deviceClass);
    const { injections } = completeClass(record, description, context);
    injectable()(deviceClass);
    // A subclass without a constructor has its base's, whose injections inversify knows of the base only.
    for (const { index, token, optional: isOptional } of injections) {
      if (record.injections.has(index)) continue;
      injectService(token ?? DeviceOptions)(deviceClass, undefined, index);
      if (isOptional) optional()(deviceClass, undefined, index);
    }
  };
}

/**
 * Writes to these bytes of the region may wait. KVM queues them in a ring without an exit, and they are delivered in order
 * before an access that could see the difference. For writes that have no effect until another access.
 */
export function addCoalescedIo(region: HandledRegion, range: CoalescedDeclaration) {
  checkBrackets(region, undefined, '@addCoalescedIo(region, { offset, size })');
  return (deviceClass: DeviceClass): void =>
    recorderOf(deviceClass).add('coalesced', { region, declaration: range }, '@addCoalescedIo');
}

/** An access to this region first delivers every queued write: the partner of `@addCoalescedIo`, on the port that reads. */
export function flushCoalescedIo(region: HandledRegion) {
  checkBrackets(region, undefined, '@flushCoalescedIo(region)');
  return (deviceClass: DeviceClass): void => recorderOf(deviceClass).add('flushing', region, '@flushCoalescedIo');
}

/**
 * Names a region of the class that has no handlers: memory, or a container, into which the device maps others when it is
 * realized.
 */
export function contains(region: ContainerRegion | RamRegion) {
  checkBrackets(region, undefined, '@contains(region)');
  return (deviceClass: DeviceClass): void => recorderOf(deviceClass).add('otherRegions', region, '@contains');
}

/** The token under which a machine binds the values of a device's options, in the device's own container. */
export abstract class DeviceOptions {}

/** A constructor parameter takes the values of these options; its type must be `OptionsOf` them. */
export function options<S extends OptionSet>(declared: S) {
  return <C extends DeviceClass, I extends number>(
    deviceClass: C,
    _member: undefined,
    index: [ConstructorParameters<C>[I], OptionsOf<S>] extends [OptionsOf<S>, ConstructorParameters<C>[I]]
      ? I
      : { readonly 'this parameter must have the type of the declared options': OptionsOf<S> },
  ): void => {
    injectService(DeviceOptions)(deviceClass, undefined, index as number);
    recorderOf(deviceClass).injectOptions(index as number, declared);
  };
}

/** A constructor parameter takes a service of the machine, named by its class. */
export function inject<T>(token: Token<T>) {
  return <C extends Token, I extends number>(
    target: C,
    _member: undefined,
    index: T extends ConstructorParameters<C>[I]
      ? I
      : { readonly 'this parameter must have the type of the injected service': T },
  ): void => {
    injectService(token)(target, undefined, index as number);
    recorderOf(target).inject(index as number, token);
  };
}

/**
 * Beside `@inject`: the device can do without that service, and gets undefined where no module binds it:
 * `constructor(@inject(Disk) @optional() private readonly disk: Disk | undefined)`.
 */
export { optional };

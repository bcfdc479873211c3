import { decimal, hex, printable } from '../base/text.ts';
import { configRegisters } from '../bus/pci/config-registers.ts';
import { describeAccess, describeRegisters } from '../machine/access-names.ts';
import { defineObserver, type MachineEvent } from '../machine/observers.ts';
import type { ConfigObserver, ServedFunction } from './served-function.ts';

interface Line {
  readonly what: string;
  readonly meaning?: string | undefined;
}

/**
 * Prints what the guest does with a served function, in the device's words, and what the device does. A line has the time in
 * microseconds, the access, the register and its fields. Answers how to end that.
 */
export function traceFunction(served: ServedFunction, print: (line: string) => void): () => void {
  const { machine } = served;
  const say = ({ what, meaning = '' }: Line): void => {
    const time = decimal(machine.clock.absolute(), 3).padStart(14);
    print(`${time} us  ${what.padEnd(36)}  ${printable(meaning)}`.trimEnd());
  };
  const observer = defineObserver({
    name: 'trace',
    start: () => ({
      observe(event) {
        const line = describe(served, event);
        if (line !== undefined) say(line);
      },
    }),
  });
  const onConfig: ConfigObserver = (...access) => say(describeConfig(served, ...access));
  served.configObservers.add(onConfig);
  const end = machine.observe(observer);
  return () => {
    served.configObservers.delete(onConfig);
    end();
  };
}

function describe({ machine }: ServedFunction, event: MachineEvent): Line | undefined {
  if (event.kind === 'access') {
    const { isPort, isWrite, address, size, value } = event;
    const what = `${isPort ? 'port' : 'memory'} ${hex(address)} ${shown(isWrite, value, size)}`;
    return { what, meaning: describeAccess(machine, event) };
  }
  if (event.kind === 'interrupt' && event.pin !== 'interruptOut')
    return {
      what: `interrupt ${event.pin === 'msi' ? 'by a message' : event.level ? 'up' : 'down'}`,
      meaning: `${event.device}: ${event.pin}`,
    };
  if (event.kind === 'timer') return { what: 'timer', meaning: `${event.device ?? 'test'}: ${event.name}` };
  return event.kind === 'inbox' ? { what: 'from outside', meaning: event.event.kind } : undefined;
}

function describeConfig(
  { device }: ServedFunction,
  isWrite: boolean,
  offset: number,
  size: number,
  value: number,
): Line {
  // QEMU reads all of it once, when it attaches the function.
  if (size > 4) return { what: `config ${hex(offset)}, ${size} bytes` };
  const access = { isPort: false, isWrite, address: offset, size, value };
  const meaning = describeRegisters({ device, bank: configRegisters, offset }, access);
  return { what: `config ${hex(offset, 2)} ${shown(isWrite, value, size)}`, meaning: `${device.id}: ${meaning}` };
}

const shown = (isWrite: boolean, value: number | bigint, size: number): string =>
  `${isWrite ? '<-' : '->'} ${hex(value, 2 * size)}`;

import { dmaReadLines } from '../accelerator/trace/dma-lines.ts';
import { hex } from '../base/text.ts';
import { formatPciAddress } from '../bus/pci/address.ts';
import { defineObserver } from '../machine/observers.ts';
import type { RecordingSink } from '../recording/recorder.ts';
import type { ServedFunction } from './served-function.ts';

/** The ports of configuration mechanism #1. */
const Mechanism = { Address: 0xcf8, Data: 0xcfc, Enable: 0x8000_0000 } as const;

/**
 * Writes down what a guest does with a served function, as `iotrace v1`: a machine that has the device in the same slot can replay it.
 * Addresses are the guest's. Configuration space is reached as by ports 0xcf8 and 0xcfc. Lines that begin with '#' say where each BAR
 * lay from then on, what the device read from guest memory, and when the client reset it. Answers how to end it.
 */
export function recordFunction(served: ServedFunction, sink: RecordingSink): () => void {
  return new FunctionRecorder(served, sink).begin();
}

class FunctionRecorder {
  private readonly places = new Map<number, string>();

  constructor(
    private readonly served: ServedFunction,
    private readonly sink: RecordingSink,
  ) {}

  begin(): () => void {
    const { served } = this;
    const { device, machine, slot } = served;
    this.line('# iotrace v1');
    this.line(`# device: ${device.metadata.type}, addr=${formatPciAddress(slot)}`);
    served.configObservers.add(this.onConfig);
    machine.topology.dmaObserver = {
      read: (address, bytes) => {
        for (const line of dmaReadLines(machine.clock.absolute(), address, bytes)) this.sink.write(line);
      },
      wrote() {},
    };
    served.onReset = () => {
      this.line(`# reset ${this.now}`);
      this.lookAtBars();
    };
    const end = machine.observe(
      defineObserver({
        name: 'recording',
        start: () => ({
          observe: (event) => {
            if (event.kind !== 'access') return;
            const { isPort, isWrite, address, size, value } = event;
            this.access(isPort ? 'P' : 'M', isWrite, address, size, value);
          },
        }),
      }),
    );
    return () => {
      end();
      served.configObservers.delete(this.onConfig);
      served.onReset = machine.topology.dmaObserver = undefined;
    };
  }

  private get now(): string {
    return String(this.served.machine.clock.absolute());
  }

  private readonly onConfig = (isWrite: boolean, offset: number, size: number, value: number): void => {
    // QEMU's look at all of it is none of a guest.
    if (size <= 4) {
      const { slot, function: number } = this.served.slot;
      const address = Mechanism.Enable | (slot << 11) | (number << 8) | (offset & 0xfc);
      this.access('P', true, Mechanism.Address, 4, address >>> 0);
      this.access('P', isWrite, Mechanism.Data + (offset & 3), size, value);
    }
    if (isWrite) this.lookAtBars();
  };

  private access(space: 'P' | 'M', isWrite: boolean, address: number, size: number, value: number | bigint): void {
    this.line(`${this.now} ${space}${isWrite ? 'W' : 'R'} ${address.toString(16)} ${size} ${value.toString(16)}`);
  }

  /** A line for each BAR that has moved. */
  private lookAtBars(): void {
    for (const { index = 6, kind, address, size } of this.served.device.bars.all) {
      const where = address === undefined ? 'unmapped' : hex(address);
      if (this.places.get(index) === where || (address === undefined && !this.places.has(index))) continue;
      this.places.set(index, where);
      this.line(`# bar ${index} ${kind} ${where} ${size}`);
    }
  }

  private line(text: string): void {
    this.sink.write(`${text}\n`);
  }
}

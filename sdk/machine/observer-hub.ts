import { PciDevice } from '../bus/index.ts';
import { pinsOf } from '../device/index.ts';
import type { Machine } from './machine.ts';
import type { PluggedDevice } from './machine-parts.ts';
import type { MachineEvent, MachineObserver, Observation } from './observers.ts';

/** Hears of an observer that threw and was taken off. */
export type ObserverFailureSink = (observer: string, failure: unknown) => void;

interface Attached {
  readonly name: string;
  readonly observation: Observation;
}

/**
 * Who watches a machine. Hooks are in place only while somebody does: before the first observer and after the last one,
 * accesses, pins and timers run the code they would run if there were no such thing as an observer.
 */
export class ObserverHub {
  private attached: readonly Attached[] = [];

  constructor(
    private readonly machine: Machine,
    private readonly onFailure: ObserverFailureSink,
  ) {}

  /** Answers how to take the observer off again. */
  add({ name, start }: MachineObserver): () => void {
    const { machine } = this;
    const observation = this.attempt(name, () => start(machine));
    if (observation === undefined) return () => {};
    const one = { name, observation };
    this.attached = [...this.attached, one];
    if (this.attached.length === 1) this.hook();
    return () => this.remove(one);
  }

  /** Devices came or went. */
  follow(): void {
    if (this.attached.length > 0) for (const plugged of this.machine.devices) this.hookDevice(plugged);
  }

  private remove(one: Attached): void {
    if (!this.attached.includes(one)) return;
    this.detach(one);
    this.attempt(one.name, () => one.observation.end?.());
  }

  private detach(one: Attached): void {
    this.attached = this.attached.filter((other) => other !== one);
    if (this.attached.length === 0) this.unhook();
  }

  private tell(event: MachineEvent): void {
    for (const one of this.attached) {
      try {
        one.observation.observe(event);
      } catch (failure) {
        this.detach(one);
        this.onFailure(one.name, failure);
      }
    }
  }

  private attempt<T>(name: string, work: () => T): T | undefined {
    try {
      return work();
    } catch (failure) {
      this.onFailure(name, failure);
      return undefined;
    }
  }

  private hook(): void {
    const { accelerator, clock } = this.machine;
    accelerator.observe({ now: () => clock.now, hear: (event) => this.tell(event) });
    clock.observer = ({ name }) => this.tell({ kind: 'timer', time: clock.now, name });
    this.follow();
  }

  private unhook(): void {
    const { accelerator, clock, devices } = this.machine;
    accelerator.observe(undefined);
    clock.observer = undefined;
    for (const { device } of devices) {
      for (const pin of pinsOf(device).values()) pin.observer = undefined;
      if (device instanceof PciDevice) device.msi.observer = undefined;
    }
  }

  private hookDevice({ id, device }: PluggedDevice): void {
    const { clock } = this.machine;
    const tell = (pin: string, level: boolean) =>
      this.tell({ kind: 'interrupt', time: clock.now, device: id, pin, level });
    for (const [name, pin] of pinsOf(device)) pin.observer = (level) => tell(name, level);
    if (device instanceof PciDevice) device.msi.observer = () => tell('msi', true);
  }
}

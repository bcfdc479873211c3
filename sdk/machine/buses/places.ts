import type { Problem } from '../../base/errors.ts';
import type { Bus, Placed } from '../../bus/bus.ts';
import { chooseBus, type MachineBus, type Plugging } from './list.ts';

/** Where a device is plugged in. */
export interface BusPlace extends MachineBus {
  /** Undefined on a bus without addresses. */
  readonly address: unknown;
}

/** A device that has its place already. */
export interface PlacedDevice extends Plugging {
  readonly place: BusPlace;
}

/** What is known when devices look for their places. */
export interface BusSearch {
  readonly machine: string;
  readonly buses: readonly MachineBus[];
  readonly present: readonly PlacedDevice[];
  /** A bus of this kind may be missing because making it has failed, which is reported. */
  mayHaveFailed(kind: string, wanted: string | undefined): boolean;
}

/** The address of a device as its bus writes it; undefined on a bus without addresses. */
export const addressText = ({ bus, address }: BusPlace): string | undefined =>
  address === undefined ? undefined : bus.format(address);

/** Finds the bus and the address of each device. What is wrong comes into `problems`; a device without a place has none. */
export function findPlaces<D extends Plugging>(
  devices: readonly D[],
  search: BusSearch,
  problems: Problem[],
): ReadonlyMap<D, BusPlace> {
  const chosen = new Map<D, MachineBus>();
  for (const device of devices) {
    const found = chooseBus(device, search.buses, search.machine);
    if ('bus' in found) chosen.set(device, found);
    else if (!search.mayHaveFailed(device.metadata.bus, device.used.bus)) problems.push(found);
  }
  const places = new Map<D, BusPlace>();
  for (const one of new Set(chosen.values())) {
    const here = devices.filter((device) => chosen.get(device) === one);
    const present = search.present.filter(({ place }) => place.bus === one.bus);
    for (const [device, address] of new BusPlan(one, present, problems).place(here))
      places.set(device as D, { ...one, address });
  }
  problems.push(...circles(places));
  return places;
}

/** Finds addresses on one bus. */
class BusPlan {
  private readonly bus: Bus;
  private readonly placed: Placed[];

  constructor(
    private readonly named: MachineBus,
    present: readonly PlacedDevice[],
    private readonly problems: Problem[],
  ) {
    this.bus = named.bus;
    this.placed = present.map(({ id, metadata, place }) => ({ id, metadata, address: place.address }));
  }

  place(devices: readonly Plugging[]): Map<Plugging, unknown> {
    const { bus } = this;
    const addresses = new Map<Plugging, unknown>();
    const given = devices.filter(({ used }) => used.addr !== undefined);
    for (const device of given) {
      const address = this.parse(device);
      if (address !== undefined) addresses.set(device, this.take(device, address));
    }
    this.problems.push(...bus.check(this.placed));
    for (const device of devices) {
      if (device.used.addr !== undefined) continue;
      if (bus.addressGrammar === undefined) addresses.set(device, undefined);
      else {
        const address = this.assign(device);
        if (address !== undefined) addresses.set(device, this.take(device, address));
      }
    }
    return addresses;
  }

  private parse({ id, metadata, used }: Plugging): unknown {
    const { bus, named } = this;
    const addr = used.addr as string;
    if (bus.addressGrammar === undefined) {
      const what = `${metadata.type} plugs into '${named.name}', which has no addresses`;
      this.report('bus-without-addresses', `Device '${id}': ${what}. Leave out addr.`);
      return undefined;
    }
    const address = bus.parse(addr);
    if (address === undefined) {
      const what = `addr '${addr}' is no address of '${named.name}'. Write ${bus.addressGrammar}`;
      this.report('invalid-bus-address', `Device '${id}': ${what}.`);
    }
    return address;
  }

  /** A device that finds its address taken stays without, so that nothing else is wrong with it. */
  private take({ id, metadata }: Plugging, address: unknown): unknown {
    const text = this.bus.format(address);
    const first = this.placed.find((other) => this.bus.format(other.address) === text);
    if (first !== undefined) {
      const what = `'${first.id}' and '${id}' are both at ${text}. Give one of them another addr`;
      this.report('bus-address-taken', `Bus '${this.named.name}': ${what}.`);
    }
    this.placed.push({ id, metadata, address });
    return address;
  }

  private assign({ id, metadata }: Plugging): unknown {
    const { bus, named } = this;
    const taken = this.placed.map(({ address }) => address);
    const address = bus.assign?.(metadata, taken);
    if (address !== undefined) return address;
    const what =
      bus.assign === undefined
        ? `${metadata.type} needs an address on '${named.name}'. Give it an addr: ${bus.addressGrammar}`
        : `no address is left on '${named.name}'. Give it an addr, ${bus.addressGrammar}, or remove a device`;
    this.report(bus.assign === undefined ? 'missing-bus-address' : 'bus-full', `Device '${id}': ${what}.`);
    return undefined;
  }

  private report(code: string, message: string): void {
    this.problems.push({ code, message });
  }
}

/** Controllers that are on each other's buses, where no guest reaches them. */
function circles(places: ReadonlyMap<Plugging, BusPlace>): Problem[] {
  const above = new Map([...places].map(([{ id }, { owner }]) => [id, owner]));
  const seen = new Set<string>();
  return [...above.keys()].flatMap((id) => {
    const way = [id];
    for (let next = above.get(id); next !== undefined && !way.includes(next); next = above.get(next)) way.push(next);
    const closes = above.get(way.at(-1) as string) === id;
    if (!closes || seen.has(id)) return [];
    for (const one of way) seen.add(one);
    const names = way.map((one) => `'${one}'`).join(' is on a bus of ');
    const message = `Buses: ${names}, which is on a bus of '${id}': no guest reaches them. Give one of them another bus.`;
    return [{ code: 'bus-circle', message }];
  });
}

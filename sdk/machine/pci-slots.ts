import { formatPciAddress, type PciAddress, pciIdentity } from '../bus/index.ts';
import type { DeviceBlueprint } from '../device/index.ts';

interface Placed {
  readonly id: string;
  readonly blueprint: DeviceBlueprint;
  readonly address: PciAddress | undefined;
}

/** Where PCI functions that say where they are get into each other's way: one sentence for each. */
export function conflictingFunctions(devices: readonly Placed[]): string[] {
  const owners = new Map<string, Placed>();
  const problems: string[] = [];
  const placed = devices.flatMap((device) =>
    device.address === undefined ? [] : [{ ...device, address: device.address }],
  );
  for (const device of placed) {
    const where = formatPciAddress(device.address);
    const first = owners.get(where);
    if (first !== undefined) {
      problems.push(`PCI: '${first.id}' and '${device.id}' are both at ${where}. Give one of them another addr.`);
    }
    owners.set(where, device);
  }
  for (const { id, address } of placed) {
    if (address.function === 0) continue;
    const first = owners.get(formatPciAddress({ slot: address.slot, function: 0 }));
    if (first === undefined || first.blueprint.facet(pciIdentity)?.multifunction === true) continue;
    problems.push(
      `PCI: '${id}' is at ${formatPciAddress(address)}, where no guest looks: '${first.id}', function 0 of the slot, says ` +
        `that it is the only one. Give '${id}' a slot of its own, or ${first.blueprint.type} @pci({ multifunction: true }).`,
    );
  }
  return problems;
}

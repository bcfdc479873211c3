import { readFileSync } from 'node:fs';
import { BackplaneError } from '../../../base/errors.ts';
import { hex, printable } from '../../../base/text.ts';
import { moduleInformation } from '../debian/linux-kernel.ts';
import type { ModuleFile } from './guest-options.ts';
import type { GuestPciFunction } from './pci-function.ts';

/** Of a driver's id_table, as `depmod` reads it. @see Documentation/kbuild/modules.rst; file2alias.c, do_pci_entry() */
const PciAlias = /^pci:v(?:0000([0-9A-F]{4})|\*)d(?:0000([0-9A-F]{4})|\*)/;

/** Refuses a function that no driver has taken: its test would wait for a device file that does not come. */
export async function refuseUnbound(
  device: GuestPciFunction,
  modules: readonly ModuleFile[],
  happened: () => Promise<string>,
): Promise<void> {
  if (await device.hasDriver()) return;
  const { vendor, device: id } = await device.identification();
  const text = (value: number): string => hex(value, 4).slice('0x'.length);
  const sentences = [
    `Guest: no driver has taken the device, which is ${text(vendor)}:${text(id)}.`,
    ...modules.map(claimOf),
    'Correct its id_table or its probe(), or write { requireDriver: false }.',
  ];
  throw new BackplaneError('guest-driver-unbound', `${sentences.join(' ')}${await happened()}`);
}

function claimOf({ name, path }: ModuleFile): string {
  const claims = moduleInformation(readFileSync(path), 'alias').flatMap((alias) => {
    const [match, vendor = '*', device = '*'] = PciAlias.exec(alias) ?? [];
    return match === undefined ? [] : [`${vendor}:${device}`.toLowerCase()];
  });
  const whom = claims.length === 0 ? 'no PCI device (MODULE_DEVICE_TABLE)' : claims.join(', ');
  return `The module '${printable(name)}' is for ${whom}.`;
}

import type { Device } from '../device.ts';
import { maskOf, stretchesOf } from './access-masks.ts';
import type { RegisterDeclaration } from './declaration.ts';
import { describeBits, hex, registerLabel } from './names.ts';

/**
 * A write that says something about the guest or the model: to reserved bits, or to bits that the datasheet or the model
 * leaves out. Called only when there is something to say.
 */
export function remark(
  device: Device,
  register: RegisterDeclaration,
  index: number,
  value: number | bigint,
  previous: number | bigint,
): void {
  const label = registerLabel({ register, index });
  for (const stretch of stretchesOf(register)) {
    const { access, low } = stretch;
    const part = (whole: number | bigint): bigint => (BigInt(whole) & maskOf(stretch)) >> BigInt(low);
    const written = part(value);
    const where =
      register.fields.length === 0 ? `register '${label}'` : `${describeBits(stretch)} of register '${label}'`;
    if (access === 'reserved' && written !== part(register.reset)) {
      device.guestError(`wrote ${hex(written)} to reserved ${where}: must stay ${hex(part(register.reset))}`);
    }
    if (access === 'undocumented' && written !== part(previous)) {
      device.guestError(`wrote ${hex(written)} to undocumented ${where}`);
    }
    if (access === 'unimplemented' && written !== part(previous)) {
      const what = register.fields.length === 0 ? where : `field '${stretch.name}' of register '${label}'`;
      device.guestError(`wrote ${hex(written)} to ${what}, which this model does not implement`);
    }
  }
}

export function remarkRead(device: Device, register: RegisterDeclaration, index: number): void {
  device.guestError(`read register '${registerLabel({ register, index })}', which this model does not implement`);
}

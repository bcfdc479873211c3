import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { backplane } from '../cli/fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-services-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const plugin = `
import { ContainerModule } from 'inversify';
import { device, inject, IsaDevice, portRegion } from 'backplane';
export abstract class Weather { abstract readonly degrees: number; }
const ports = portRegion({ name: 'thermometer', base: 0x300, size: 1, accessSizes: [1] });
@device({ type: 'thermometer', description: 'Asks a service' })
export class Thermometer extends IsaDevice {
  constructor(@inject(Weather) private readonly weather: Weather) { super(); }
  @ports.read(0) read(): number { return this.weather.degrees; }
}
export const weather = new ContainerModule(({ bind }) => {
  bind(Weather).toConstantValue({ degrees: 21 });
});
`;
const guest = `
import { guestProgram } from 'backplane/runtime';
export default guestProgram(function* (guest) {
  const value = yield* guest.in8(0x300);
  if (value !== 21) throw new Error('it is ' + value);
});
`;

it('gives the machines of a plugin its services', async () => {
  const [device, program] = [join(folder, 'weather.ts'), join(folder, 'asks.ts')];
  writeFileSync(device, plugin);
  writeFileSync(program, guest);
  const words = ['run', program, '-machine', 'isapc', '-plugin', device, '-device', 'thermometer'];
  expect(await backplane(...words)).toMatchObject({ status: 0, noted: '' });
});

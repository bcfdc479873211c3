import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A UART from outside of the tree: port 0 has the data; in port 1, bit 0 is a byte that is there, bit 1 room for one. */
const uart = `
import { defineOptions, device, IsaDevice, option, options, type OptionsOf, portRegion } from 'backplane';
import { CharBackend } from 'backplane/backend';
const ports = portRegion({ name: 'line', base: 0x2f8, size: 2, accessSizes: [1] });
const Port = { Status: 1 } as const;
const declared = defineOptions({ chardev: option.backend(CharBackend, { description: 'where its characters go' }) });
@device({ type: 'my-uart', description: 'a UART from outside of the tree' })
export class MyUart extends IsaDevice {
  constructor(@options(declared) private readonly given: OptionsOf<typeof declared>) { super(); given.chardev.connect({}); }
  @ports.read(0) readData(): number {
    const byte = this.given.chardev.read();
    if (byte === 0x21) throw new Error('no exclamation, please');
    if (byte === 0x23) process.exit(7);
    return Math.max(0, byte);
  }
  @ports.write(0) writeData(value: number): void { this.given.chardev.write(value); }
  @ports.read(Port.Status) readStatus(): number {
    return (this.given.chardev.waiting > 0 ? 1 : 0) | (this.given.chardev.room > 0 ? 2 : 0);
  }
}`;

/** Echoes until a 'q' arrives. A '!' makes its device throw, and a '#' makes it call process.exit(). */
const echo = `
import { guestProgram } from 'backplane/runtime';
export default guestProgram('echo', function* (guest) {
  for (;;) {
    if (((yield* guest.in8(0x2f9)) & 1) === 0) { yield* guest.pause(100_000); continue; }
    const byte = yield* guest.in8(0x2f8);
    if (byte === 0x71) return;
    while (((yield* guest.in8(0x2f9)) & 2) === 0) yield* guest.pause(100_000);
    yield* guest.out8(0x2f8, byte);
  }
});`;

/** Writes the files of a run that echoes into a folder, and answers its command line. */
export function echoRun(folder: string): readonly string[] {
  const [guest, plugin] = [join(folder, 'echo.ts'), join(folder, 'my-uart.ts')];
  writeFileSync(guest, echo);
  writeFileSync(plugin, uart);
  return ['run', guest, '-machine', 'isapc', '-plugin', plugin, '-device', 'my-uart,chardev=c0'];
}

// A live guest: the firmware of the machine, as machine code. The processor of the package v86 executes it; without it there is none.
import { BackplaneError, MiB, SECOND } from 'backplane';
import { ringBuffer } from 'backplane/backend';
import { Vga } from 'backplane/devices';
import { pcFirmware, pcI440fx } from 'backplane/machines';
import { x86MachineCode } from 'backplane/node';
import { Machine, simulatedAccelerator } from 'backplane/runtime';

const Limit = 200_000;

async function boot(): Promise<void> {
  const serial = ringBuffer({ id: 'serial0', size: 65_536 });
  const machine = Machine.create(pcI440fx, {
    accelerator: simulatedAccelerator({ machineCode: await x86MachineCode() }),
    ram: 128 * MiB,
    options: { chips: 'all' },
    backends: [serial],
    firmware: pcFirmware(),
  });
  console.log('A live guest, the own firmware of pc. On its serial port:\n');
  const guest = { name: 'firmware', pieces: [], start: 'reset' } as const;
  const { operations } = machine.run(guest, { operationLimit: Limit });
  const { vmExits, userspaceExits, coalescedWrites } = machine.accelerator.statistics;
  const indented = (lines: readonly string[]) => lines.map((line) => `  ${line}`.trimEnd()).join('\n');
  const [executed, exits, toUserspace, coalesced] = [operations, vmExits ?? 0, userspaceExits, coalescedWrites].map(
    (one) => one.toLocaleString('en-US'),
  );
  const seconds = Math.round(machine.clock.now / SECOND);
  console.log(indented(serial.text.trimEnd().split('\r\n')));
  console.log('\nThe text of its screen:\n');
  console.log(indented(machine.device(Vga).screenText()).trimEnd());
  console.log(`\n${executed} instructions in ${seconds} s of guest time, most of them asleep.`);
  console.log(`${exits} VM exits, ${toUserspace} exits to userspace, ${coalesced} writes coalesced.\n`);
}

try {
  await boot();
} catch (failure) {
  if (!(failure instanceof BackplaneError && failure.code === 'x86-missing')) throw failure;
  console.log(`No live guest. ${failure.message}\n`);
}

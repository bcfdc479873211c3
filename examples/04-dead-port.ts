// QEMU's pc declares the PCI address port 0xcf8 as coalesced. The reset register at 0xcf9 overlaps one of its bytes.
// KVM queues a write only if one zone contains all of it, so no 32-bit write is coalesced. This report shows it.

import { pcI440fx } from 'backplane/machines';
import { explainCoalescedIo, formatCoalescedReport, guestProgram, Machine } from 'backplane/runtime';

const enumeratePci = guestProgram('enumerate', function* (guest) {
  for (let slot = 0; slot < 32; slot++) {
    yield* guest.out32(0xcf8, 0x8000_0000 + slot * 0x800);
    yield* guest.in32(0xcfc);
  }
});

for (const resetControl of ['overlay', 'behind']) {
  const machine = Machine.create(pcI440fx, { options: { resetControl } });
  machine.run(enumeratePci);
  const { userspaceExits, coalescedWrites } = machine.accelerator.statistics;
  console.log(
    `reset-control=${resetControl}: ${userspaceExits} userspace exits, ${coalescedWrites} writes coalesced\n`,
  );
  console.log(formatCoalescedReport(explainCoalescedIo(machine).filter(({ region }) => region === 'pci-conf-idx')));
}

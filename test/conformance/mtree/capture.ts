import { writeFileSync } from 'node:fs';
import { QemuProcess } from '../../../sdk/testing/qemu/process.ts';
import { capture, captureFile, formatCapture, scenarios } from './captures.ts';

// Writes the texts that stand in for QEMU where it is not installed: npx tsx test/conformance/mtree/capture.ts
for (const scenario of scenarios) {
  const captured = await QemuProcess.with(scenario.qemu, (qemu) => capture(qemu, scenario));
  writeFileSync(captureFile(scenario.name), formatCapture(captured));
  console.log(captured.title);
}

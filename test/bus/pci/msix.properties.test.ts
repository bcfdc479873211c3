import fc from 'fast-check';
import { expect, it } from 'vitest';
import { device } from '../../../sdk/index.ts';
import { msix, PciDevice, PciRegister, pci } from '../../../sdk/pci.ts';
import { testBench } from '../../../sdk/testing/index.ts';

const Vectors = 70;
const Capability = 0x60;
const Receiver = 0x8000;
const Pending = 0x800;

@device({ type: 'sender', description: 'Seventy messages' })
@pci({ vendorId: 0x1234, deviceId: 0x567a, classCode: 0x00ff })
@msix({ vectors: Vectors, table: { bar: 0, offset: 0 }, pba: { bar: 0, offset: Pending }, offset: Capability })
class Sender extends PciDevice {
  notify(vector: number): boolean {
    return this.sendMessage(vector);
  }
}

/** What MSI-X is, in as few words as possible. */
class Model {
  enabled = false;
  functionMask = false;
  readonly masked = new Set(Array.from({ length: Vectors }, (_, vector) => vector));
  readonly pending = new Set<number>();
  readonly sent: number[] = [];

  send(vector: number): boolean {
    if (this.enabled) this.pending.add(vector);
    this.flush();
    return this.enabled;
  }

  flush(): void {
    if (!this.enabled || this.functionMask) return;
    for (const vector of [...this.pending].sort((a, b) => a - b)) {
      if (this.masked.has(vector)) continue;
      this.pending.delete(vector);
      this.sent.push(vector);
    }
  }
}

const vector = fc.integer({ min: 0, max: Vectors - 1 });
const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), vector }),
  fc.record({ kind: fc.constant('mask' as const), vector, on: fc.boolean() }),
  fc.record({ kind: fc.constant('control' as const), enable: fc.boolean(), mask: fc.boolean() }),
  fc.record({ kind: fc.constant('reset' as const) }),
);

it('sends each vector once for all the times that it was masked, and at no other time', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bench = testBench(Sender, { ram: 0x1_0000 });
      const table = (bench.device.config.get(PciRegister.BaseAddress0, 4) & ~0xf) >>> 0;
      let model = new Model();
      const sent: number[] = [];
      bench.device.msi.observer = (address, data, which) => {
        expect([address, data]).toEqual([BigInt(Receiver + 4 * which), 0x100 + which]);
        sent.push(which);
      };
      const fill = () => {
        for (let entry = 0; entry < Vectors; entry++) {
          bench.store32(table + 16 * entry, Receiver + 4 * entry);
          bench.store32(table + 16 * entry + 8, 0x100 + entry);
        }
      };
      fill();
      for (const one of steps) {
        if (one.kind === 'send') expect(bench.device.notify(one.vector)).toBe(model.send(one.vector));
        else if (one.kind === 'mask') {
          bench.store32(table + 16 * one.vector + 12, one.on ? 1 : 0);
          if (one.on) model.masked.add(one.vector);
          else model.masked.delete(one.vector);
        } else if (one.kind === 'control') {
          bench.device.writeConfig(Capability + 2, (one.enable ? 0x8000 : 0) | (one.mask ? 0x4000 : 0), 2);
          [model.enabled, model.functionMask] = [one.enable, one.mask];
        } else {
          bench.reset();
          fill();
          model = new Model();
          sent.length = 0;
        }
        model.flush();
        expect(sent).toEqual(model.sent);
      }
      const pending = Array.from({ length: Vectors }, (_, which) => which).filter(
        (which) => (bench.load32(table + Pending + 4 * (which >>> 5)) >>> (which & 31)) & 1,
      );
      expect(pending).toEqual([...model.pending].sort((a, b) => a - b));
    }),
    { numRuns: 60 },
  );
});

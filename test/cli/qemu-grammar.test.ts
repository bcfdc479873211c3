import { describe, expect, it } from 'vitest';
import { QemuProcess, whyNoQemu } from '../../sdk/testing/qemu/index.ts';
import { needs } from '../needs.ts';
import { backplane } from './fake-terminal.ts';

/** What both take. */
const accepted = [
  'edu,addr=05.0,dma_mask=0xfff',
  'edu,addr=5',
  'edu,addr=0x5',
  'edu,addr=05',
  'edu,addr=1f.7',
  'edu,addr=05.1',
  'edu,bus=pci.0',
  'edu,dma_mask=-1',
  'edu,dma_mask=0xffffffffffffffff',
  'edu,dma_mask=+7',
  'edu,dma_mask=0XFF',
  'edu,',
  'driver=edu,addr=5',
  'addr=5,driver=edu',
  'edu,id=a-b.c_d',
  'pci-testdev,membar=1G',
  'pci-testdev,membar=1g',
  'pci-testdev,membar=0x1000',
  'pci-testdev,membar=0.5M',
  'pci-testdev,membar=4096B',
];

/** What both refuse. */
const refused = [
  'edu,addr=1f.8',
  'edu,addr=20.0',
  'edu,addr=-1',
  'edu,addr=',
  'edu,addr=01.0',
  'edu,addr=02.5.0',
  'edu,dma_mask=4K',
  'edu,dma_mask=0x10000000000000000',
  'edu,dma_mask=',
  'edu,dma_mask=1.5',
  'edu,dma_mask=on',
  'edu,dma_mask',
  'edu,nodma_mask',
  'edu,,x',
  ',addr=5',
  'edu,id=1a',
  'edu,id=',
  'edu,id=a b',
  'edu,id=a/b',
  'edu,bus=pci',
  'edu,bus=pci.1',
  'edu,bus=isa.0',
  'EDU',
  'edu,ADDR=5',
  'edu,dma-mask=5',
  'pci-testdev,membar=1.5',
  'pci-testdev,membar=.5M',
  'pci-testdev,membar=64MB',
  'pci-testdev,membar=-1',
  'pci-testdev,membar=1e6',
];

/** Values that QEMU accepts and we refuse, each with what the message names. */
const stricter: [string, string][] = [
  ['edu,dma_mask=010', '8'],
  ['edu,dma_mask= 7', "' 7'"],
  ['edu,dma_mask=1,dma_mask=2', "'dma_mask'"],
  ['pci-testdev,membar=0x1000K', "'0x1000K'"],
];

async function ours(text: string): Promise<string> {
  const { status, noted } = await backplane('info', 'qtree', '-machine', 'pc', '-device', text);
  expect(status, noted).toBe(noted === '' ? 0 : 1);
  return noted;
}

describe('-device beside an installed QEMU', needs('qemu', whyNoQemu()), () => {
  it('is accepted and refused alike, but where ours is stricter and says why', {
    timeout: 60_000,
  }, async () => {
    await QemuProcess.with({}, async ({ qmp }) => {
      const complaint = async (text: string) => (await qmp.humanMonitor(`device_add ${text}`)).trim();
      for (const text of [...accepted, ...stricter.map(([one]) => one)]) {
        // What was accepted stays, so that a slot may be taken: that is no matter of grammar.
        expect(await complaint(text), text).not.toMatch(/not found|expects|doesn't take|not a valid|missing/);
      }
      for (const text of refused) expect(await complaint(text), text).not.toBe('');
    });
    for (const text of accepted) expect(await ours(text), text).toBe('');
    for (const text of refused) expect(await ours(text), text).not.toBe('');
    for (const [text, message] of stricter) expect(await ours(text), text).toContain(message);
  });
});

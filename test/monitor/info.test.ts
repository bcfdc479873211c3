import { afterEach, describe, expect, it, vi } from 'vitest';
import { VirtioRng } from '../../devices/index.ts';
import { isapc, machines, pcI440fx } from '../../machines/index.ts';
import { explainCoalescedIo, infoCoalesced } from '../../sdk/coalescing/index.ts';
import { use } from '../../sdk/index.ts';
import { infoMachine, infoMtree, infoQtree } from '../../sdk/monitor/index.ts';
import { guestProgram, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';

describe.each([...machines])('machine %s', (_, definition) => {
  const machine = Machine.create(definition);

  it('has no coalesced range that does not work', () => {
    expect(explainCoalescedIo(machine).map(({ verdict }) => verdict)).toEqual(
      explainCoalescedIo(machine).map(() => 'alive'),
    );
    expect(machine.warnings).toEqual([]);
  });

  it('shows every device once in its tree, and every address space in its maps', () => {
    const tree = infoQtree(machine);
    for (const { id, metadata } of machine.devices) {
      expect(tree.split(`dev: ${metadata.type}, id "${id}"`)).toHaveLength(2);
    }
    for (const { name } of machine.addressSpaces) {
      expect(infoMtree(machine)).toMatch(new RegExp(`^address-space: ${name}$`, 'm'));
      expect(infoMtree(machine, { flat: true })).toContain(` AS "${name}", root: `);
    }
  });
});

describe('what is shown of a machine', () => {
  const bar = 0xc000;
  const withRng = { ...pcI440fx, devices: [...pcI440fx.devices, use(VirtioRng, { addr: '05.0' })] };
  const enable = guestProgram('enable', function* (guest) {
    for (const [register, value] of [
      [0x10, bar],
      [0x04, 1],
    ] as const) {
      yield* guest.out32(0xcf8, 0x8000_2800 + register);
      yield* guest.out32(0xcfc, value);
    }
  });

  const choose = guestProgram('choose', function* (guest) {
    yield* guest.out8(0x70, 0x0a);
  });

  it("names virtio's queue selector with the region that delivers it, unmapped and mapped", () => {
    const machine = Machine.create(withRng);
    const selector = () => explainCoalescedIo(machine).find(({ region }) => region === 'virtio-pci')!;
    expect(selector()).toMatchObject({
      verdict: 'unmapped',
      registers: ['legacyQueueSelect'],
      flushPartners: ['virtio-pci', 'virtio-pci-common'],
      declared: { offset: 0x0e, size: 2 },
    });
    machine.run(enable);
    expect(selector()).toMatchObject({ verdict: 'alive', start: bar + 0x0e, zones: [{ start: bar + 0x0e, size: 2 }] });
    expect(infoCoalesced(machine)).toContain("region 'virtio-pci', offset 0xe, 2 bytes: 'legacyQueueSelect'");
  });

  it('is what the guest has made of it, writes that still wait included', () => {
    const accelerator = simulatedAccelerator({ drain: 'on-access' });
    const machine = Machine.create(isapc, { accelerator });
    for (const info of [infoQtree, infoMtree, infoCoalesced]) {
      machine.run(choose);
      expect(accelerator.queuedWrites).toBe(1);
      info(machine);
      expect(accelerator.queuedWrites).toBe(0);
    }
  });
});

describe('info machine', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it('says RAM, options and accelerator, and that registers are compiled', () => {
    const machine = Machine.create(pcI440fx, { options: { resetControl: 'overlay' } });
    expect(infoMachine(machine)).toBe(
      `machine: pc-i440fx\nchips: basic\nreset-control: overlay\nram: 131072 KiB\ndevices: ${machine.devices.length}\naccelerator: kvm-sim\n` +
        'registers: compiled\n',
    );
  });

  it('says that registers are interpreted where no code may be made from text', () => {
    vi.stubGlobal('Function', () => {
      throw new EvalError('forbidden');
    });
    expect(infoMachine(Machine.create(isapc))).toContain('registers: interpreted\n');
  });
});

import { describe, expect, it } from 'vitest';
import { simulatedAccelerator } from '../../sdk/accelerator/index.ts';
import { ExitReason, KvmRun } from '../../sdk/accelerator/kvm/abi.ts';
import { readHeader } from '../../sdk/recording/header.ts';
import { expectRefusal } from '../refusal.ts';
import { KernelBench } from './kernel-bench.ts';

/** 2,000 writes to a zone of one byte, and a HLT: how often KVM_RUN returned, and how many writes went through the ring. */
function probe(ring: '6.12' | 'before-6.12') {
  const bench = new KernelBench({ ring });
  bench.zone(0x70, 1, 1);
  bench.attach(function* (guest) {
    for (let index = 0; index < 2000; index++) yield* guest.out8(0x70, 1);
    yield* guest.hlt();
  });
  let returns = 0;
  do {
    expect(bench.run()).toBe(0);
    returns++;
    bench.drain();
  } while (bench.runPage.getUint32(KvmRun.exitReason, true) !== ExitReason.Hlt);
  return { returns, entries: bench.kernel.counts.coalescedWrites, full: bench.kernel.counts.ringFullExits };
}

describe('the arithmetic of the ring', () => {
  it('is that of Linux 6.12 unless told otherwise: 2,000 writes return 12 times', () => {
    expect(probe('6.12')).toEqual({ returns: 12, entries: 1989, full: 11 });
  });

  it('was another one before: they returned 13 times', () => {
    expect(probe('before-6.12')).toEqual({ returns: 13, entries: 1988, full: 12 });
  });
});

describe('the options of the simulated kernel', () => {
  it('are refused where they are none', () => {
    const refused = 'invalid-accelerator-option';
    expectRefusal(() => simulatedAccelerator({ processor: 'arm' as 'amd' }), refused, "'arm'", "'intel' or 'amd'");
    expectRefusal(() => simulatedAccelerator({ ring: '6.1' as '6.12' }), refused, "'6.1'", "'6.12' or 'before-6.12'");
  });

  it('are said by a recording where they are not the default', () => {
    expect(simulatedAccelerator({ processor: 'intel', ring: '6.12' }).noticeable).not.toHaveProperty('ring');
    const noticeable = simulatedAccelerator({ processor: 'amd', ring: 'before-6.12' }).noticeable;
    expect(noticeable).toMatchObject({ processor: 'amd', ring: 'before-6.12' });
    const run = { accelerator: noticeable, processors: 1, guests: ['a'], start: '0', tapped: false };
    const header = ['machine: {"name":"m","ram":0,"options":{}}', `run: ${JSON.stringify(run)}`];
    const read = readHeader({ name: 'own', header } as unknown as Parameters<typeof readHeader>[0]);
    expect(read.accelerator).toMatchObject({ processor: 'amd', ring: 'before-6.12' });
  });
});

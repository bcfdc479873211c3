import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RingConsumer, RingProducer, UsableSlots } from '../../sdk/accelerator/kvm/coalesced-ring.ts';

const Slots = 170;

interface Write {
  readonly address: number;
  readonly length: number;
  readonly pio: 0 | 1;
  readonly value: number;
  readonly valueHigh: number;
}

function ringAt(first: number, last: number) {
  const page = new DataView(new ArrayBuffer(4096));
  page.setUint32(0, first, true);
  page.setUint32(4, last, true);
  return { page, producer: new RingProducer(page), consumer: new RingConsumer(page) };
}

const anyWrite: fc.Arbitrary<Write> = fc
  .record({
    address: fc.oneof(fc.nat(0xffff), fc.integer({ min: 0, max: 2 ** 52 - 8 })),
    length: fc.integer({ min: 1, max: 8 }),
    pio: fc.constantFrom(0 as const, 1 as const),
    bits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  })
  .map(({ bits, ...write }) => {
    const value = BigInt.asUintN(8 * write.length, bits);
    return { ...write, value: Number(value & 0xffff_ffffn), valueHigh: Number(value >> 32n) };
  });

const append = (producer: RingProducer, write: Write) =>
  producer.append(write.address, write.length, write.pio, write.value, write.valueHigh);

const look = ({ queued: { address, length, isPort, value, valueHigh } }: RingConsumer): Write => ({
  address,
  length,
  pio: isPort ? 1 : 0,
  value,
  valueHigh,
});

describe('the coalesced ring', () => {
  it('holds 169 writes from every start, and refuses the next one', () => {
    for (let start = 0; start < Slots; start++) {
      const { producer, consumer } = ringAt(start, start);
      let queued = 0;
      while (producer.append(0x70, 1, 1, queued & 0xff, 0) >= 0) queued++;
      expect([queued, consumer.pending]).toEqual([UsableSlots, UsableSlots]);
    }
  });

  it('never loses, changes or reorders a write, however queueing and draining alternate', () => {
    const steps = fc.array(fc.oneof(anyWrite, fc.constant('drain' as const), fc.constant('take' as const)), {
      maxLength: 600,
    });
    fc.assert(
      fc.property(fc.nat(Slots - 1), steps, (start, sequence) => {
        const { producer, consumer } = ringAt(start, start);
        const waiting: Write[] = [];
        for (const step of sequence) {
          if (typeof step === 'object') {
            const taken = append(producer, step) >= 0;
            expect(taken).toBe(waiting.length < UsableSlots);
            if (taken) waiting.push(step);
          } else {
            for (let left = step === 'take' ? Math.min(1, waiting.length) : waiting.length; left > 0; left--) {
              expect(look(consumer)).toEqual(waiting.shift());
              consumer.advance();
            }
          }
          expect(consumer.pending).toBe(waiting.length);
          expect(consumer.isEmpty).toBe(waiting.length === 0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('answers any indices that userspace writes by the rule of Linux 6.12, and touches nothing else', () => {
    const index = fc.oneof(fc.nat(Slots + 2), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(index, index, anyWrite, (first, last, write) => {
        const { page, producer } = ringAt(first, last);
        const before = new Uint8Array(page.buffer.slice(0));
        const room = last < Slots && (last + 1) % Slots !== first;
        expect(append(producer, write)).toBe(room ? last : -1);
        expect(page.getUint32(0, true)).toBe(first);
        const changed = [...new Uint8Array(page.buffer)].flatMap((byte, at) => (byte === before[at] ? [] : [at]));
        if (!room) expect(changed).toEqual([]);
        else for (const at of changed) expect(at < 8 || Math.floor((at - 8) / 24) === last).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('lets a consumer with indices from elsewhere neither read outside the page nor count for ever', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (first, last) => {
        const { consumer } = ringAt(first, last);
        expect(consumer.pending).toBeLessThanOrEqual(UsableSlots);
        expect(() => look(consumer)).not.toThrow();
        consumer.advance();
        expect(consumer.first).toBeLessThan(first >= Slots ? 1 : Slots);
      }),
      { numRuns: 200 },
    );
  });

  it('does not show what an older, longer write left behind in the slot', () => {
    const { producer, consumer } = ringAt(5, 5);
    append(producer, { address: 0xd0000, length: 8, pio: 0, value: 0xffff_ffff, valueHigh: 0xffff_ffff });
    consumer.advance();
    for (let lap = 0; lap < Slots - 1; lap++) {
      producer.append(0x70, 1, 1, 0, 0);
      consumer.advance();
    }
    producer.append(0x70, 1, 1, 0x12, 0);
    expect(look(consumer)).toEqual({ address: 0x70, length: 1, pio: 1, value: 0x12, valueHigh: 0 });
  });
});

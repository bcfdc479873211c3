import { describe, expect, it } from 'vitest';
import { type Countdown, type Counter, ManualClock } from '../../sdk/clock/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { TickModel } from './counting-model.ts';

const frequencies = [
  1, 3, 32_768, 596_591, 1_000_000, 1_193_182, 24_000_000, 33_333_333, 999_999_999, 1_000_000_000, 0,
];
const prescalers = [1, 1, 2, 16, 256, 1000];
const reloadings = ['at-zero', 'after-zero'] as const;
const modes = ['periodic', 'one-shot', 'free-running'] as const;
const Rounds = 150;
const Steps = 60;

interface Subject {
  readonly clock: ManualClock;
  readonly random: Random;
  readonly model: TickModel;
  readonly counter: Countdown | Counter;
}

/** A time in which some ticks pass, but not more than the model can count. */
function someTime({ random, model }: Subject): number {
  const tick = model.frequency === 0 ? 1000 : (model.prescaler * 1e9) / model.frequency;
  return Math.floor(random.pick([0.3, 1, 3, 40, 700]) * tick * (random.below(1000) / 1000)) + random.below(3);
}

function change({ random, model, counter }: Subject): void {
  const [frequency, prescaler] = [random.pick(frequencies), random.pick(prescalers)];
  random.weighted([
    [3, () => model.start(counter)],
    [1, () => model.stop(counter)],
    [1, () => model.acknowledge(counter)],
    [1, () => setRate(model, counter, frequency, counter.prescaler)],
    [1, () => setRate(model, counter, counter.frequency, prescaler)],
  ]);
}

function setRate(model: TickModel, counter: Countdown | Counter, frequency: number, prescaler: number): void {
  model.setRate(frequency, model.prescaler);
  model.setRate(frequency, prescaler);
  counter.frequency = frequency;
  counter.prescaler = prescaler;
}

/** Moves the time, sometimes the epoch, and compares what the guest sees. */
function compare(subject: Subject, value: () => number): void {
  const { clock, random, model, counter } = subject;
  clock.advance(someTime(subject));
  if (random.oneIn(10)) clock.rebase();
  model.advanceTo(clock.absolute());
  expect([counter.value, counter.running, counter.expired]).toEqual([value(), model.running, model.expired]);
}

describe('a countdown', () => {
  it('shows at any instant what ticks one by one come to, whatever is changed while it runs', () => {
    for (let round = 0; round < Rounds; round++) {
      const random = new Random(round);
      const clock = new ManualClock(random.below(1e6));
      const [width, frequency, prescaler] = [1 + random.below(9), random.pick(frequencies), random.pick(prescalers)];
      let reloads = random.pick(reloadings);
      const mask = 2 ** width - 1;
      let [value, reload, mode] = [mask, mask, random.pick(modes)];
      const model = new TickModel(frequency, prescaler, (ticks) => {
        const shows = mode === 'free-running' || (mode === 'periodic' && reloads === 'after-zero');
        if (value === 0 && shows) {
          value = mode === 'free-running' ? mask : reload;
          if (value === 0) ticks.expire();
          return;
        }
        value = Math.max(0, value - 1);
        if (value > 0) return;
        ticks.expire();
        if (mode === 'one-shot') ticks.running = false;
        else if (!shows) value = reload;
      });
      model.advanceTo(clock.absolute());
      const latched = random.oneIn(2);
      let calls = 0;
      const options = { frequency, prescaler, width, mode, reloads, latched };
      const counter = clock.countdown('model', options, (times) => {
        calls += times;
      });
      const subject = { clock, random, model, counter };
      const load = () => {
        value = random.below(mask + 1);
        counter.load(value);
        model.beginTick();
      };
      const setReload = () => {
        reload = random.pick([0, 1, mask, random.below(mask + 1)]);
        counter.reload = reload;
      };
      const setReloads = () => {
        reloads = random.pick(reloadings);
        counter.reloads = reloads;
      };
      const setMode = () => {
        mode = random.pick(modes);
        counter.mode = mode;
      };
      for (let step = 0; step < Steps; step++) {
        random.weighted([
          [3, () => change(subject)],
          [1, load],
          [1, setReload],
          [1, setMode],
          [1, setReloads],
        ]);
        compare(subject, () => value);
      }
      counter.stop();
      clock.advance(10_000);
      if (!latched) expect(calls).toBe(model.expiries);
    }
  });
});

describe('a counter', () => {
  it('shows at any instant what ticks one by one come to, whatever is changed while it runs', () => {
    for (let round = 0; round < Rounds; round++) {
      const random = new Random(1000 + round);
      const clock = new ManualClock(random.below(1e6));
      const [width, frequency, prescaler] = [1 + random.below(9), random.pick(frequencies), random.pick(prescalers)];
      const mask = 2 ** width - 1;
      let [value, top, match, oneShot] = [0, mask, 0, false];
      const model = new TickModel(frequency, prescaler, (ticks) => {
        value = value === top || value === mask ? 0 : value + 1;
        if (value !== match) return;
        ticks.expire();
        if (oneShot) ticks.running = false;
      });
      model.advanceTo(clock.absolute());
      let calls = 0;
      const counter = clock.counter('model', { frequency, prescaler, width }, (times) => {
        calls += times;
      });
      const subject = { clock, random, model, counter };
      const load = () => {
        value = random.below(mask + 1);
        counter.load(value);
        model.beginTick();
      };
      const setTop = () => {
        top = random.pick([0, 1, random.below(mask + 1)]);
        counter.top = top;
      };
      const setMatch = () => {
        match = random.below(mask + 1);
        counter.match = match;
      };
      const setOneShot = () => {
        oneShot = random.oneIn(2);
        counter.oneShot = oneShot;
      };
      for (let step = 0; step < Steps; step++) {
        random.weighted([
          [3, () => change(subject)],
          [1, load],
          [1, setTop],
          [1, setMatch],
          [1, setOneShot],
        ]);
        compare(subject, () => value);
      }
      counter.stop();
      clock.advance(10_000);
      expect(calls).toBe(model.expiries);
    }
  });
});

import { collectTimers, ManualClock, runDevice, type Timer } from '../../sdk/clock/index.ts';
import { goldenMessages } from '../golden-messages.ts';

const clock = () => new ManualClock(100);

goldenMessages('clock', {
  'endless-timer': () => {
    const endless = clock();
    const timer: Timer = endless.timer('rtc-periodic', () => timer.arm(endless.now));
    timer.arm(105);
    endless.advance(10);
  },
  'epoch-moved-inside': () => {
    const moved = clock();
    moved.after(1, () => moved.rebase(1));
    moved.advance(1);
  },
  'invalid-count': () => clock().countdown('timer-1', { frequency: 1.5e9 }),
  'invalid-epoch-move': () => clock().rebase(0.5),
  'invalid-time': () => new ManualClock(-1n),
  'late-timer': () => collectTimers(() => runDevice(() => clock().timer('late', () => {}))),
  'time-beyond-epoch': () => clock().advanceTo(2 ** 53),
  'time-goes-back': () => clock().advanceTo(99),
  'time-too-late': () => clock().advance(1e300),
});

import type { Mc146818Rtc } from '../../devices/index.ts';
import { TimeOfDay } from '../../devices/mc146818-rtc/time-of-day.ts';
import { device, SECOND, type VirtualClock } from '../../sdk/index.ts';

const Second = BigInt(SECOND);

/** Counts nanoseconds since 1970 in 64 bits, as QEMU does: beyond 1677 and 2262 the time is another one. */
class TimeIn64Bits extends TimeOfDay {
  override seconds(now: number): number {
    return Number(BigInt.asIntN(64, this.nanoseconds(now)) / Second);
  }

  override subsecond(now: number): number {
    return Number(BigInt.asUintN(64, this.nanoseconds(now)) % Second);
  }

  private nanoseconds(now: number): bigint {
    return BigInt(this.base + this.guestSecond(now)) * Second + BigInt(this.part(now));
  }
}

/** An RTC with QEMU's limits of time, and nothing else changed. */
export function rtcWith64BitTime(base: typeof Mc146818Rtc): typeof Mc146818Rtc {
  @device({ type: 'mc146818rtc', description: 'MC146818 real-time clock whose time is 64 bits of nanoseconds' })
  class RtcWith64BitTime extends base {
    protected override createTimeOfDay(ram: Uint8Array, baseYear: number, date: Date, clock: VirtualClock): TimeOfDay {
      return new TimeIn64Bits(ram, baseYear, date, clock);
    }
  }
  return RtcWith64BitTime;
}

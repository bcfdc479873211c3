import { SECOND } from '../../sdk/index.ts';
import type { CrtView } from './crt-controller.ts';

/** Dots per second, by clock select. @see IBM, PS/2 Hardware Interface Technical Reference, "Miscellaneous Output Register" */
const DotClocks = [25_175_000, 28_322_000] as const;
/** Text mode with 70 frames a second: what a card shows whose timing has not been programmed. Dots and lines. */
const Standard = { dots: 900, visibleDots: 720, lines: 449, visibleLines: 400, retraceStart: 412, retraceLength: 2 };
const StandardClock = DotClocks[1];
/** A shorter frame is none that a monitor could show: its registers are not programmed. */
const FewestLines = 100;

export const Status = { DisplayDisabled: 0x01, VerticalRetrace: 0x08 } as const;

/** What of the timing is not in the CRT controller. */
export interface DotClock {
  /** Of the miscellaneous output. */
  readonly select: number;
  readonly dotsPerCharacter: number;
  readonly isHalved: boolean;
}

/** Input status 1, `elapsed` ns after the start of a frame: it follows from the time alone. */
export function displayStatus(crt: CrtView, clock: DotClock, elapsed: number): number {
  if (crt.verticalTotal < FewestLines) return statusOf(Standard, StandardClock, elapsed);
  const width = clock.dotsPerCharacter * (clock.isHalved ? 2 : 1);
  const frame = {
    dots: crt.horizontalTotal * width,
    visibleDots: crt.columns * width,
    lines: crt.verticalTotal,
    visibleLines: crt.lines,
    retraceStart: crt.retraceStart,
    retraceLength: crt.retraceLength,
  };
  return statusOf(frame, DotClocks[clock.select & 1] as number, elapsed);
}

function statusOf(frame: typeof Standard, clock: number, elapsed: number): number {
  const lineTime = (frame.dots * SECOND) / clock;
  const inFrame = elapsed % (lineTime * frame.lines);
  const line = Math.floor(inFrame / lineTime);
  const dot = ((inFrame - line * lineTime) * clock) / SECOND;
  const isRetrace = line >= frame.retraceStart && line < frame.retraceStart + frame.retraceLength;
  const isVisible = line < frame.visibleLines && dot < frame.visibleDots;
  return (isRetrace ? Status.VerticalRetrace : 0) | (isVisible && !isRetrace ? 0 : Status.DisplayDisabled);
}

import type { IsaBus } from './isa-bus.ts';

/**
 * Drives the ISA lines as a bridge routes PCI interrupts: a line is high while one of the interrupts routed to it is. A route
 * that is no ISA line leads nowhere.
 */
export function driveIsaLines(isa: IsaBus, levels: readonly boolean[], routeOf: (pirq: number) => number): void {
  let high = 0;
  for (const [pirq, level] of levels.entries()) {
    const route = routeOf(pirq);
    if (level && route < isa.lines.length) high |= 1 << route;
  }
  for (const [number, line] of isa.lines.entries()) line.set((high & (1 << number)) !== 0);
}

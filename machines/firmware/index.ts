import { assemble } from '../../sdk/assembler.ts';
import { putClockReading, putClockText, putCmos } from './clock.ts';
import { putConsoleSearch, putNumbers, putPrinting, putScreen } from './console.ts';
import { putEntry, putResetVector } from './entry.ts';
import { putFileReading, putFileSearch, putFwCfg } from './fw-cfg.ts';
import { putIdle } from './idle.ts';
import { putHandlers, putInterrupts } from './interrupts.ts';
import { putKernelLoading, putKernelSearch, putSegmentLoading } from './kernel.ts';
import { Image, sourceOf } from './layout.ts';
import { putBanner, putMemory } from './memory.ts';
import { putKernelStart, putMemoryMap } from './multiboot.ts';
import { putBars, putPciAccess, putPciScan } from './pci.ts';
import { putRouting } from './routing.ts';
import { putTextMode } from './text-mode.ts';

const parts = [
  putEntry,
  putTextMode,
  putConsoleSearch,
  putPrinting,
  putScreen,
  putNumbers,
  putCmos,
  putClockReading,
  putClockText,
  putBanner,
  putMemory,
  putPciAccess,
  putPciScan,
  putBars,
  putInterrupts,
  putHandlers,
  putFwCfg,
  putFileSearch,
  putFileReading,
  putKernelSearch,
  putKernelLoading,
  putSegmentLoading,
  putKernelStart,
  putMemoryMap,
  putIdle,
  putRouting,
];

/**
 * A firmware for PCs: 64 KiB for the end of 4 GiB, whose copy below 1 MiB it runs in.
 *
 * It finds memory, the clock and the functions of PCI bus 0, and prints them on the text screen, COM1 and a debug console.
 * BARs without an address get one. A multiboot kernel in fw_cfg's file `opt/backplane/multiboot` is started with the command
 * line of `opt/backplane/cmdline`. Otherwise the processor halts, the clock on the screen goes on, and a key restarts the machine.
 */
export function pcFirmware(): Uint8Array {
  const { bytes } = assemble({ origin: Image.start, bits: 16 }, (a) => {
    const source = sourceOf(a);
    for (const put of parts) put(source);
    source.putTexts();
    putResetVector(source);
  });
  return bytes;
}

import type { Chip } from './chip.ts';
import { pciCards } from './pci-cards.ts';
import { pciConfig, pciConfigBehind } from './pci-config.ts';
import { pic } from './pic.ts';
import { rtc } from './rtc.ts';

export const chips: readonly Chip[] = [rtc, pciConfig, pciConfigBehind, pciCards, pic];

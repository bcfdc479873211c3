import { FwCfg, I8042, I8254, Port92, PostPort, Vga, VgaText } from '../devices/index.ts';
import { option, type UsedDevice, use } from '../sdk/index.ts';

/** Which chips a PC has: machine code needs more than programs and recordings do. */
export const chipsOption = option.choice(['basic', 'all'], {
  description:
    'basic: those that programs and recordings use; all: also those that firmware and operating systems expect',
  default: 'basic',
});

type Chosen = Readonly<Record<string, unknown>>;
export const hasAllChips = ({ chips }: Chosen): boolean => chips === 'all';

/** Text in a window without registers, or a whole VGA card on PCI, whose BIOS is the image `vgabios`. */
export const displays = (addr: string): readonly UsedDevice[] => [
  use(VgaText, { id: 'vga', when: (chosen) => !hasAllChips(chosen) }),
  use(Vga, { id: 'vga', addr, when: hasAllChips, options: { romfile: 'vgabios' } }),
];

/** The chips of any PC that firmware and operating systems expect besides the basic ones. */
export const firmwareChips: readonly UsedDevice[] = [
  use(I8254, { id: 'pit', when: hasAllChips }),
  use(I8042, { id: 'keyboard', when: hasAllChips, options: { chardev: 'keyboard' } }),
  use(Port92, { id: 'port92', when: hasAllChips }),
  use(FwCfg, { id: 'fw_cfg', when: hasAllChips }),
  use(PostPort, { id: 'post', when: hasAllChips }),
];

/** EAX and EDX of CPUID leaf 1, as SMBIOS tables show the processor of machine code. */
export const processorId = [0x673, 0x0780_a979] as const;

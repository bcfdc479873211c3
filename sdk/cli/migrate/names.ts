/** The entries of versions 0.1.0 and 0.2.0, and of today. */
export type OldEntry =
  | 'backplane'
  | 'backplane/testing'
  | 'backplane/devices'
  | 'backplane/machines'
  | 'backplane/node'
  | 'backplane/runtime'
  | 'backplane/testing/qemu';
export type Entry = OldEntry | 'backplane/pci';

/** What became of a name that an entry of 0.1.0 or 0.2.0 exported. */
export type NameChange =
  /** It has another name, is exported by another entry, or both. What is left out is as it was. */
  | { readonly name?: string; readonly entry?: Entry }
  /** No entry exports it. The sentence says what to use instead. */
  | { readonly gone: string }
  /** Its entry, or another one, exports the type alone. The sentence says where the value comes from. */
  | { readonly typeOnly: string; readonly entry?: Entry };

export type NameTable = Readonly<Partial<Record<OldEntry, Readonly<Record<string, NameChange>>>>>;

const wordsOf = (names: string): string[] => names.trim().split(/\s+/);

/** Names that moved to another entry and kept their spelling. */
const moved = (entry: Entry, names: string): Record<string, NameChange> =>
  Object.fromEntries(wordsOf(names).map((name) => [name, { entry }]));

/** Names that one sentence is true of. */
const gone = (instead: string, names: string): Record<string, NameChange> =>
  Object.fromEntries(wordsOf(names).map((name) => [name, { gone: instead }]));

/**
 * Every name that 0.1.0 or 0.2.0 exported and that is not where it was. `backplane migrate` applies it; a test compares it with
 * what the entries export. A new row: `Old: { name: 'New' }`, `...moved('backplane/runtime', 'Name Another')`,
 * `...gone('sentence', 'Name Another')` or `Name: { typeOnly: 'sentence' }`.
 */
export const names: NameTable = {
  backplane: {
    ...moved(
      'backplane/pci',
      `
      BarDeclaration BarSpec CapabilitySpec ClaimedConfigurationPorts ConfigurationPorts ExpansionRomSpec IsaBridge MsiSpec
      PciAddress PciBar PciBus PciCapabilityId PciClass PciCommand PciConfigSpace PciDevice
      PciIdentity PciPinWiring PciRegister PciStatus ShadowedMemory SubtractivePorts bar capability configurationPorts
      expansionRom formatPciAddress msi parsePciAddress pcPinWiring pci pciBars pciIdentity
      resetControlFields resetControlPort resetReason`,
    ),
    ...moved(
      'backplane/runtime',
      `
      Accelerator AcceleratorEvent AcceleratorHost AcceleratorListener AcceleratorSettings AccessEvent AccessObserver
      AccessedMachine AddressRange AddressSpace Capability
      CoalescedRangeReport CoalescedVerdict CoalescedWriteEvent ConditionalModel CostDistribution Culprit
      DefaultExitCosts DefaultTraceSizeLimit DescribedAccess DeviceAgreementReport DeviceFailure
      DeviceOptionValues DirtyLog DirtyLogClient DirtyPageSize DirtySnapshot DisagreementExample DrainPolicy ExitCost
      ExitCosts ExitEvent ExitReasonName ExitRow ExitStatistics ExitSummary ExitTableOptions FlatRange FlatView Guest
      GuestAccess GuestBody GuestError GuestErrorSink GuestErrors GuestImage GuestOperation GuestProgram
      GuestRunOptions GuestSource GuestStep HandlerProfileRow HandlerRoute HostPacedClock InterruptController
      InterruptEvent InterruptLine InterruptWire IoGuard Ioeventfd Json KvmAccelerator KvmAcceleratorOptions
      ListenedSection ListenerPriority Machine MachineBoard MachineClock MachineEvent MachineObserver MachineRequest
      MachineSnapshot ManualClock Mapping MemTxAttributes MemoryDmaPort MemoryListener MemorySection MemoryTopology
      MemoryTreeOptions MemoryTreeRequest ModelledTime Moment NoSuchDevice Observation ObservedDevice
      ObserverFailureSink PluggedDevice RecordedAccess RecordedTrace RegionOps
      FieldDeclaration IndexedPlace Injection RegisterDeclaration RegisterLocks RegisterWidth Replay ReplaySetup ResetPort RestoreRequest RunEnd RunOptions RunOutcome
      SavedDevice SimulatedAcceleratorOptions SnapshotSchema StateDeclaration StateDifference StateError TimerEvent
      TraceAnswers TraceGuest TraceGuestOptions TraceParser UnmodelledAccesses VectorEvent WholeSpace WidthVerdict
      WiringError acceleratorOptions averageCost coalescedWarnings commandLineName compareDevice
      constructDevice defineObserver describeAccess describeCosts describeThrown explainCoalescedIo explainVerdict
      formatCoalescedReport formatDeviceTree formatExitTable formatFlatViews formatMemoryTree
      formatSnapshot guestProgram infoCoalesced infoMtree infoQtree isObserver loadDevice modelledTime nearest
      parseAcceleratorSettings pinOf pinsOf registerDocument registerFacts
      registerLocks replayTrace saveDevice simulatedAccelerator withRequester`,
    ),
    DeviceBlueprint: { name: 'ClassMetadata', entry: 'backplane/runtime' },
    RegionBlueprint: { name: 'RegionMetadata', entry: 'backplane/runtime' },
    blueprintOf: { name: 'metadataOf', entry: 'backplane/runtime' },
    ...moved('backplane/node', 'ReadTraceOptions readTrace'),
    ...gone('The decorators of the package report unknown properties by themselves.', 'unknownWord'),
    ...gone(
      'What is loaded is checked before onStateLoaded() of a device; throw an Error there to refuse it.',
      `
      SavedData SavedProblem SavedReader describeData`,
    ),
    ...gone(
      "The state of one device is saved, loaded and compared by saveDevice(), loadDevice() and compareDevice() of 'backplane/runtime'.",
      `
      DeviceLoading EpochMove FailField LoadPlan StateLoading StatePlace describeDifference firingOrder readBytes
      readFields rebaseFields refusedBy rememberShapes rememberState stateOf writeBytes writeFields`,
    ),
    ...gone(
      'Timers of a device are in its snapshot; one that is made too late is refused where it is made.',
      `
      collectTimers isMadeLate runDevice timersOf`,
    ),
    ...gone(
      "What a class declares is read by metadataOf() of 'backplane/runtime'.",
      `
      DeviceSurroundings Facet FacetDocument ListFacet PciCapabilities baseBlueprintOf pciCapabilities
      pciExpansionRom recordOf`,
    ),
    ...gone(
      "The registers of a device are listed by registerFacts() and registerDocument() of 'backplane/runtime'.",
      `
      RegisterPlace choosingValue chosenIndex describeRegisterValue registerAt
      registerAtPlace registerLabel sideOf`,
    ),
    ...gone('A new machine checks itself: its warnings are in machine.warnings.', 'BuildCheck buildChecks'),
    ...gone("It is a BackplaneError with the code 'late-timer'.", 'LateTimer'),
    CoalescedZonesInForce: { name: 'CoalescedZones', entry: 'backplane/runtime' },
    OffsetRange: { name: 'CoalescedRange' },
    PortsBehindBridge: { name: 'SubtractivePorts', entry: 'backplane/pci' },
    ...gone("An option of a machine is spelt by commandLineName() of 'backplane/runtime'.", 'machineOptionName'),
    ...gone(
      "explainCoalescedIo() of 'backplane/runtime' reports the zones in force.",
      `
      Zone clipCoalescedRange`,
    ),
    ...gone(
      'Addresses and sizes are plain numbers: compute with them, and write them with hex().',
      `
      describeRange formatAddress formatSize intersectRanges rangeContains rangesIntersect subtractRange toAddress
      toSize`,
    ),
    ...gone(
      'Declare the registers with pamRegisters, and hand their values to ShadowedMemory.',
      'PamRegisterCount PamWindow Shadow ShadowedWindow pamWindows shadowOf',
    ),
    ...gone('The configuration space of a function has 256 bytes; write the number.', 'PciConfigSize'),
    ...gone(
      'Ask the host itself, with the clock and timers of Node or of the page.',
      `
      afterHostTime hostDate hostNanoseconds`,
    ),
    ...gone(
      'Let TypeScript infer it from the value or decorator that it belongs to.',
      `
      BarKind ConfigurationContents GivenOptions InterruptSink PciBusParts PciInterruptRouter PerPin Read64Handler Side
      SystemBusParts TemplateKind WiringOption Write64Handler`,
    ),
    ...gone('A PCI function has one as its busMaster, of the type DmaPort.', 'BusMaster'),
    ConfigurationMechanism: {
      typeOnly: 'ConfigurationPorts makes its own; derive from that class.',
      entry: 'backplane/pci',
    },
    DeviceWire: { typeOnly: 'pin(device, name) makes one.' },
    IndexedRegisters: { typeOnly: 'indexedRegisters() makes one.' },
    MessageSignalledInterrupts: { typeOnly: 'A PCI function has one as its msi.', entry: 'backplane/pci' },
    OptionSet: { typeOnly: 'defineOptions() makes one.' },
    PciBars: { typeOnly: 'A PCI function has one as its bars.', entry: 'backplane/pci' },
  },
  'backplane/runtime': moved(
    'backplane/pci',
    'BarDeclaration PciAddress PciIdentity formatPciAddress parsePciAddress pciBars pciIdentity',
  ),
  'backplane/testing': {
    ...moved(
      'backplane/testing/qemu',
      `
      InterruptListener QemuOptions QemuProcess QmpClient QmpClientOptions QmpObject QmpValue QomProperty QtestAnswer
      QtestClient QtestClientOptions findQemu whyNoQemu`,
    ),
  },
};

/** A property, method or setting of 0.1.0 that has another name, another form, or is gone. */
export interface MemberChange {
  /** Its new name. Missing: it is gone, or takes something else. */
  readonly name?: string;
  /** The class, type or function that has it: `VirtualClock`. */
  readonly of: string;
  /** It matters in files that import one of these. Default: what `of` says. Empty: in all that import the package. */
  readonly imported?: readonly string[];
  /**
   * Where it can be nothing else, and is renamed: everywhere, or where the code around it is like this. `#` stands for the
   * member: `/\.#\(/`. Elsewhere it is reported, and left as it is.
   */
  readonly certain?: true | RegExp;
  /** What to do about one that has no new name: a sentence. It is said where `certain` holds, if that is given. */
  readonly instead?: string;
  /** It is a setting: the key of an object that is an argument of one of these functions. */
  readonly settingOf?: readonly string[];
  /** The setting takes what this function of the entry makes of the old value. */
  readonly wrap?: { readonly by: string; readonly entry: Entry };
  /** It is a function that is given an object with these members alone. */
  readonly given?: { readonly type: string; readonly members: readonly string[] };
}

const conformance = ['checkDevice', 'deviceConformance'];

/** Settings of the conformance suite of 0.1.0 that one sentence is true of. */
const goneSettings = (instead: string, settings: string): Record<string, MemberChange> =>
  Object.fromEntries(
    wordsOf(settings).map((name) => [name, { of: 'deviceConformance', settingOf: conformance, instead }]),
  );

/** Methods of a topology that no declaration has any more. */
const undeclared = (words: string): Record<string, MemberChange> => {
  const instead =
    "registerMemoryListener() of 'backplane/runtime' adds a listener; formatFlatViews() shows what is mapped.";
  const change = { of: 'MemoryTopology', imported: [], certain: /topology\??\.#\(/, instead };
  return Object.fromEntries(wordsOf(words).map((name) => [name, change]));
};

/** Members by their old names. Types are not known here: where `certain` does not hold a member is reported. */
export const members: Readonly<Record<string, MemberChange>> = {
  handOnRead: { name: 'forwardRead', of: 'ClaimedConfigurationPorts', certain: true },
  handOnWrite: { name: 'forwardWrite', of: 'ClaimedConfigurationPorts', certain: true },
  masterMemory: { name: 'busMasterMemory', of: 'PciBus', certain: true },
  hear: { name: 'onEvent', of: 'AcceleratorListener' },
  mistakes: { name: 'problems', of: 'WiringError' },
  askForReset: { name: 'requestReset', of: 'Ich9Lpc or Piix3', imported: ['Ich9Lpc', 'Piix3'], certain: /\.#\(/ },
  blueprint: {
    name: 'metadata',
    of: 'Device or PluggedDevice',
    imported: [],
    certain:
      /\.#\??\.(?:bus|description|deviceClass|facet|facets|injections|minimumVersion|options|region|regions|registers|retired|state|type|version)\b/,
  },
  facet: {
    name: 'attribute',
    of: 'DeviceBlueprint',
    imported: [],
    certain: /blueprint(?:Of\(\w+\))?\??\.#\(|\.#\((?:pciBars|pciCapabilities|pciExpansionRom|pciIdentity)\)/,
  },
  hears: {
    name: 'inputs',
    of: 'ObservedDevice',
    imported: ['ObservedDevice', 'registerDocument'],
    certain: /[{,]#:/,
  },
  ...undeclared('addListener removeListener globalDirtyLogStart globalDirtyLogStop syncDirtyLog'),
  problems: {
    of: 'OptionSet',
    imported: ['defineOptions', 'OptionSet'],
    certain: /\.#\(/,
    instead: 'resolve() refuses wrong values with a BackplaneError. A problem has a code and a message.',
  },
  prepare: {
    of: 'MachineDefinition',
    imported: ['defineMachine', 'isapc', 'MachineDefinition', 'pcI440fx', 'q35'],
    given: { type: 'PreparedMachine', members: wordsOf('device devices memory options ramSize service') },
  },
  recorded: {
    of: 'deviceConformance',
    settingOf: conformance,
    wrap: { by: 'recordFile', entry: 'backplane/node' },
  },
  ...goneSettings('Give the register or field a read hook.', 'computed'),
  ...goneSettings("Declare the field with atReset: 'kept'.", 'survivesReset'),
  ...goneSettings('Declare the field with @state, or compute it where it is used.', 'scratch'),
  ...goneSettings('Name it in notExercised, with the reason.', 'dormant latched'),
};

/** Classes whose constructor has a new first argument: what is written there for now, and what it is. */
export const firstArguments: Readonly<Record<string, readonly [text: string, what: string]>> = {
  BackplaneError: ["'refused'", 'a code of your own for this kind of error'],
};

"""Common flags with the value that each takes, so that a wrong form is told before java starts.

Here: data, measured as in `flag_table.py`, which has the rows that change between JDKs. A flag that
stands in neither is for the JVM to judge. No code.
"""

from __future__ import annotations

TYPED: tuple[tuple[str, str, str, str], ...] = (
    # type and range of the value, JDKs, the unlock option it needs, flags
    ("bool", "8-", "", """
        UseSerialGC UseParallelGC UseG1GC UseConcMarkSweepGC AlwaysPreTouch BackgroundCompilation
        ClassUnloading ClassUnloadingWithConcurrentMark CrashOnOutOfMemoryError DisableAttachMechanism
        DisableExplicitGC DoEscapeAnalysis EliminateAllocations EliminateLocks ExitOnOutOfMemoryError
        ExplicitGCInvokesConcurrent HeapDumpOnOutOfMemoryError IgnoreUnrecognizedVMOptions
        OmitStackTraceInFastThrow OptimizeStringConcat ParallelRefProcEnabled PerfDisableSharedMem
        PreserveFramePointer PrintClassHistogram PrintCodeCache PrintCommandLineFlags PrintCompilation
        PrintConcurrentLocks PrintFlagsFinal ResizeTLAB StackTraceInThrowable StartAttachListener
        TieredCompilation UnlockDiagnosticVMOptions UnlockExperimentalVMOptions UseAdaptiveSizePolicy
        UseCodeCacheFlushing UseCompressedOops UseCompressedClassPointers UseCountedLoopSafepoints
        UseGCOverheadLimit UseLargePages UseMaximumCompactionOnSystemGC UseNUMA UseNUMAInterleaving
        UsePerfData UseSignalChaining UseStringDeduplication UseTLAB UseThreadPriorities
        UseTransparentHugePages AggressiveHeap"""),
    ("bool", "8,10-", "", "UseContainerSupport"),
    ("bool", "15-", "", "UseZGC"),
    ("bool", "9-", "", "CompactStrings SegmentedCodeCache CreateCoredumpOnCrash"),
    ("bool", "12-", "", "UseDynamicNumberOfCompilerThreads"),
    ("bool", "15-", "", "ShowCodeDetailsInExceptionMessages"),
    ("bool", "21-", "", "EnableDynamicAgentLoading"),
    ("bool", "19-", "", "AutoCreateSharedArchive"),
    ("bool", "25-", "", "UseCompactObjectHeaders"),
    ("bool", "8", "", """
        CMSParallelRemarkEnabled CMSClassUnloadingEnabled CMSScavengeBeforeRemark
        CMSParallelInitialMarkEnabled UseCMSInitiatingOccupancyOnly"""),
    ("size", "8-", "", """
        MaxHeapSize InitialHeapSize NewSize MaxNewSize MetaspaceSize MaxMetaspaceSize MaxDirectMemorySize
        CompressedClassSpaceSize ReservedCodeCacheSize InitialCodeCacheSize MaxRAM TLABSize
        G1HeapRegionSize LargePageSizeInBytes HeapBaseMinAddress"""),
    ("size", "13-", "", "SoftMaxHeapSize"),
    ("size", "15-", "", "MinHeapSize"),
    ("int", "8-", "", """
        ParallelGCThreads ConcGCThreads ActiveProcessorCount CICompilerCount NewRatio GCTimeRatio
        ThreadStackSize CompilerThreadStackSize VMThreadStackSize AutoBoxCacheMax StringTableSize
        MaxJavaStackTraceDepth SoftRefLRUPolicyMSPerMB PerfDataMemorySize CompileThreshold FreqInlineSize
        MaxInlineSize MaxInlineLevel ObjectAlignmentInBytes G1MixedGCCountTarget"""),
    ("int 1..", "8-", "", "SurvivorRatio MaxGCPauseMillis GCPauseIntervalMillis"),
    ("int 0..16", "8-", "", "MaxTenuringThreshold"),
    ("int 0..15", "8-", "", "InitialTenuringThreshold"),
    ("int 0..4", "8-", "", "TieredStopAtLevel"),
    ("int 0..100", "8-", "", """
        InitiatingHeapOccupancyPercent MinHeapFreeRatio MaxHeapFreeRatio TargetSurvivorRatio
        AdaptiveSizePolicyWeight G1HeapWastePercent"""),
    ("int 0..50", "8-", "", "G1ReservePercent"),
    ("int -1..100", "8", "", "CMSInitiatingOccupancyFraction"),
    ("int 0..100", "8-", "experimental", """
        G1NewSizePercent G1MaxNewSizePercent G1MixedGCLiveThresholdPercent"""),
    ("int 0..9", "17-", "", "HeapDumpGzipLevel"),
    ("percent", "8,10-", "", "MaxRAMPercentage MinRAMPercentage InitialRAMPercentage"),
    ("int 1..", "8-", "", "MaxRAMFraction MinRAMFraction InitialRAMFraction"),
    ("text", "8-", "", """
        HeapDumpPath ErrorFile OnOutOfMemoryError OnError SharedArchiveFile CompileCommand
        CompileCommandFile"""),
    ("text", "11-", "", "StartFlightRecording FlightRecorderOptions"),
    ("text", "13-", "", "ArchiveClassesAtExit"),
    ("text", "24-", "", "AOTCache AOTConfiguration"),
    ("text", "25-", "", "AOTCacheOutput"),
    ("off|summary|detail", "8-", "", "NativeMemoryTracking"),
    ("off|record|create|auto|on", "24-", "", "AOTMode"),
)  # fmt: skip

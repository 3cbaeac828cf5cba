namespace Scheduler.Simulation;

/// <summary>Bugs put in on purpose, one at a time and outside of the parts that are tested, to prove that the checkers can
/// fail. Each behaves as a scheduler would that had the bug.</summary>
public enum PlantedBug : byte
{
    /// <summary>None.</summary>
    None,

    /// <summary>A device flush does nothing.</summary>
    FlushDoesNothing,

    /// <summary>A durable write is not durable.</summary>
    DsyncNotDurable,

    /// <summary>A flush counts for writes that completed after an earlier one was in flight, though only that was carried out (F3).</summary>
    LateJoiner,

    /// <summary>A flush covers the rings that asked for it, and not the disk's other rings (F2).</summary>
    FlushCoversItsRing,

    /// <summary>The first flush after a restart is answered as clean (F4).</summary>
    FirstFlushAfterRestart,

    /// <summary>A durable write marks the rest of the disk clean (F5).</summary>
    DsyncMarksRestClean,

    /// <summary>A failed flush is retried into success (F6).</summary>
    FailedFlushRetried,

    /// <summary>A failed flush fails only its first waiter (F6).</summary>
    FailedFlushFailsFirstOnly,

    /// <summary>A sync fault is forgotten by a restart (F6).</summary>
    FaultForgotten,

    /// <summary>A FUA write right after a flush is answered without a flush (F5).</summary>
    FuaAfterCleanFlush,

    /// <summary>An empty barrier is answered and never sent (F4).</summary>
    EmptyBarrierDropped,

    /// <summary>A barrier succeeds although an earlier write of its stream failed (O6).</summary>
    BarrierAfterFailedWrite,

    /// <summary>A read passes a barrier over an overlapping write (O3).</summary>
    ReadPassesBarrier,

    /// <summary>What follows a barrier does not wait for it (O2).</summary>
    BarrierIgnored,

    /// <summary>A write's error is lost.</summary>
    WriteErrorSwallowed,

    /// <summary>A reply is lost (S3).</summary>
    ReplyLost,

    /// <summary>A reply is sent twice (S3).</summary>
    ReplyTwice,

    /// <summary>A disk begins a block too late (S2).</summary>
    ExtentOffByOne,

    /// <summary>Two flushes of a domain are in flight (F1).</summary>
    FlushTwice,

    /// <summary>A barrier drains the whole volume, and not its stream only (O4).</summary>
    BarrierDrainsOthers,

    /// <summary>The time of flushes is charged to nobody (Q1).</summary>
    FlushTimeNotCharged,

    /// <summary>All guests have the same weight (Q2).</summary>
    WeightsIgnored,

    /// <summary>A `buffered` volume fails over to another host while the first one's page cache lives on, and is written back
    /// later (S5).</summary>
    TwoPageCaches,

    /// <summary>A guest is given another weight, and nobody heeds it (Q2).</summary>
    WeightChangeIgnored,

    /// <summary>A disk is taken away though it has rings (S2, S3).</summary>
    DiskRemovedUnderRings,

    /// <summary>The volume's clock sees half of the time that passes, and the volume learns costs by it (Q1).</summary>
    ClockRunsSlow,

    /// <summary>The journal says that an event is durable before it is (F6).</summary>
    JournalAnswersTooEarly,

    /// <summary>A ring sends nothing again to its volume's next scheduler (S3).</summary>
    NothingSentAgain,

    /// <summary>A guest hears the answer that was lost with its volume's machine, and the one of the next scheduler (S3).</summary>
    LateAnswerHeard,

    /// <summary>The scheduler that takes a volume over takes its disks for flushed (F4).</summary>
    FirstFlushAfterTakeover,

    /// <summary>What the lost machine had in flight reaches the device while the next scheduler is at work (S5).</summary>
    NoFence,

    /// <summary>A ring is let in again though a fault was cleared while it was away (F6).</summary>
    ClearingForgotten,
}

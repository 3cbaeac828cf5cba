namespace Scheduler.Simulation;

/// <summary>What a run writes down.</summary>
internal enum HistoryKind : byte
{
    /// <summary>A ring was opened.</summary>
    Open,

    /// <summary>A ring may carry requests.</summary>
    Attached,

    /// <summary>A guest sent a request.</summary>
    Submit,

    /// <summary>The volume took a request.</summary>
    Accepted,

    /// <summary>The volume sent an answer.</summary>
    Answered,

    /// <summary>A guest got an answer.</summary>
    Reply,

    /// <summary>A guest closes its ring.</summary>
    Detach,

    /// <summary>A ring is over; its unanswered requests are failed.</summary>
    Closed,

    /// <summary>The device took an operation.</summary>
    DeviceStart,

    /// <summary>The device finished an operation.</summary>
    DeviceEnd,

    /// <summary>The device reported that a sync failed: what was volatile is gone, or not.</summary>
    SyncFailed,

    /// <summary>A fault's record is durable.</summary>
    FaultRecorded,

    /// <summary>A fault's record is gone, durably.</summary>
    RecordCleared,

    /// <summary>An operator's clearing of a fault is done.</summary>
    FaultCleared,

    /// <summary>The power went; what survived is on the device.</summary>
    PowerCut,

    /// <summary>The service was killed; the device's cache is as it was, and has taken what was in flight.</summary>
    Killed,

    /// <summary>The volume has stopped in good order.</summary>
    Stopped,

    /// <summary>A new incarnation starts.</summary>
    Started,

    /// <summary>The device makes no more errors; nothing more is asked for.</summary>
    FaultsOver,

    /// <summary>All is quiet after <see cref="FaultsOver"/>.</summary>
    Quiet,

    /// <summary>A guest was given another weight, reservation, limit or bounds.</summary>
    GuestChanged,

    /// <summary>A disk is served again, or is larger.</summary>
    DiskServed,

    /// <summary>A disk is no longer served.</summary>
    DiskRemoved,

    /// <summary>The journal has said that a fault, or its clearing, is durable.</summary>
    FaultWritten,

    /// <summary>The volume's machine is lost; the device has taken what was in flight. Rings wait for the next one.</summary>
    MachineLost,

    /// <summary>The volume has stopped in order to move. Rings wait for the next one.</summary>
    Moved,
}

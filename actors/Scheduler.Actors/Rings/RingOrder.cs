namespace Scheduler.Actors;

/// <summary>The ordered mode of a ring's disk, in a front end's terms. The same numbers as the core's modes; a test pins
/// that. <see cref="ProtocolMap"/> says what each means to a guest.</summary>
public enum RingOrder : byte
{
    /// <summary>Barriers are refused, and the guest is offered no flush either: the disk is write-through.</summary>
    None = 0,

    /// <summary>The guest waits before and after a barrier.</summary>
    Drain = 1,

    /// <summary>As <see cref="Drain"/>, with a flush before and after.</summary>
    DrainFlush = 2,

    /// <summary>As <see cref="Drain"/>, with a flush before and a forced-unit-access write.</summary>
    DrainFua = 3,

    /// <summary>Barriers stream past; the scheduler holds what follows.</summary>
    Tag = 4,

    /// <summary>As <see cref="Tag"/>, with a flush before and after.</summary>
    TagFlush = 5,

    /// <summary>As <see cref="Tag"/>, with a flush before and a forced-unit-access write.</summary>
    TagFua = 6,

    /// <summary>No order, only flush and FUA.</summary>
    FlushFua = 7,
}

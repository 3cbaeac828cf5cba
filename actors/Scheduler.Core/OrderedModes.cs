// How a stream's barriers are carried out, by ordered mode: the one place that tells the modes apart.
//
//               before    the data     after     what follows
//   NONE        barriers are refused, empty ones too (O5)
//   DRAIN       flush     write        flush     the guest holds it back itself
//   DRAIN_FLUSH flush     write        flush     the guest holds it back itself
//   DRAIN_FUA   flush     write, FUA             the guest holds it back itself
//   TAG         flush     write        flush     held by the scheduler
//   TAG_FLUSH   flush     write        flush     held by the scheduler
//   TAG_FUA     flush     write, FUA             held by the scheduler
//   FLUSH_FUA   barriers are refused: there are none, only flush and FUA
//
// An empty barrier is the flush before. Plain DRAIN and TAG are for devices whose completed writes are durable: there no
// flush reaches the device in any mode (F4), and elsewhere they are carried out as their _FLUSH forms, so that a barrier
// never promises more than it keeps. What a guest in a DRAIN mode sends behind a barrier after all is held like in a TAG
// mode. Flush and FUA are taken in every mode: they ask for durability, which no mode is without.
namespace Scheduler.Core;

/// <summary>What the modes mean.</summary>
public static class OrderedModes
{
    /// <summary>Whether barriers are carried out (O2) rather than refused (O5).</summary>
    /// <param name="mode">A mode.</param>
    /// <returns>False for NONE and FLUSH_FUA.</returns>
    public static bool TakesBarriers(this OrderedMode mode) => mode is not (OrderedMode.None or OrderedMode.FlushFua);

    /// <summary>Whether a barrier's data is written with FUA instead of being followed by a flush.</summary>
    /// <param name="mode">A mode.</param>
    /// <returns>True for the _FUA forms of DRAIN and TAG.</returns>
    public static bool BarrierDataIsFua(this OrderedMode mode) => mode is OrderedMode.DrainFua or OrderedMode.TagFua;
}

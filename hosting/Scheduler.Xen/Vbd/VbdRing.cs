using Scheduler.Xen.Rings;

namespace Scheduler.Xen.Vbd;

/// <summary>What a ring is made of, or why it can't be.</summary>
/// <param name="Pages">The guest's pages.</param>
/// <param name="Table">What is under way.</param>
/// <param name="Bell">The event channel.</param>
/// <param name="Problem">Why not; null: all of them are there.</param>
internal readonly record struct VbdRing(RingPages? Pages, InFlightTable? Table, IRingBell? Bell, string? Problem)
{
    /// <summary>It is not to be served, and gives back all that it is made of. Its guest, and the table, are as they were before.</summary>
    public void GiveBack()
    {
        Bell?.Close();
        Table?.Unmap();
        Pages?.LetGo();
    }
}

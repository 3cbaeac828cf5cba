namespace Scheduler.Xen.Vbd;

/// <summary>How virtual disks are served to Xen's guests.</summary>
/// <param name="Backend">Name of the backend in xenstore.</param>
/// <param name="Store">Path of xenstore's socket or device; null: the first of the usual ones that is there.</param>
/// <param name="RingsMax">Most rings at once.</param>
/// <param name="QueuesMax">Most queues of a disk that has no barriers; 1 to <see cref="VbdOptions.QueuesLimit"/>.</param>
/// <param name="RunDirectory">Where it is kept what is under way, for the process that goes on with the rings.</param>
public sealed record VbdOptions(string Backend, string? Store, int RingsMax, int QueuesMax, string RunDirectory)
{
    /// <summary>Queues that a disk can have.</summary>
    public const int QueuesLimit = 16;
}

/// <summary>Whose disk a virtual disk is to be: what the toolstack says of a domain.</summary>
/// <param name="Name">The domain's name.</param>
/// <param name="Uuid">Its UUID, in small letters.</param>
public readonly record struct VbdDomain(string Name, string Uuid);

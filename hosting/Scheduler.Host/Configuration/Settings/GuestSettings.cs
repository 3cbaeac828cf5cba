namespace Scheduler.Host.Configuration;

/// <summary>A guest: who owns disks, the unit of fairness.</summary>
public sealed record GuestSettings
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Share of device time relative to other guests; 1 to 10,000.</summary>
    public required int Weight { get; init; }

    /// <summary>4 KiB-read equivalents a second that are met before shares; 0: none.</summary>
    public required long Reservation { get; init; }

    /// <summary>4 KiB-read equivalents a second that are not exceeded, at least the reservation; 0: none.</summary>
    public required long Limit { get; init; }

    /// <summary>Longest time that a flush may be held back to gather company; 0 to 60 s.</summary>
    public required TimeSpan FlushLatencyMax { get; init; }

    /// <summary>Most bytes that may be written and not flushed; 1 MiB to 1 TiB.</summary>
    public required long UnflushedMax { get; init; }

    /// <summary>Bytes of payload buffers, over all the guest's connections; 33 MiB to 4 GiB.</summary>
    public required long BufferMemory { get; init; }

    /// <summary>Connections at once, over all its disks; 1 to 65,536.</summary>
    public required int ConnectionsMax { get; init; }

    /// <summary>
    /// Which client certificates are its own: <c>CN=name</c> or <c>sha256:</c> and 64 digits in small letters; no other guest has
    /// the same.
    /// </summary>
    public IReadOnlyList<string> Certificates { get; init; } = [];

    /// <summary>Which users of this machine, at the other end of a Unix socket, are it; no other guest has the same.</summary>
    public IReadOnlyList<uint> Uids { get; init; } = [];

    /// <summary>Which Xen domains are it, by name or by UUID in small letters; no other guest has the same.</summary>
    public IReadOnlyList<string> Domains { get; init; } = [];

    /// <summary>All of these, as <see cref="Scheduler.Nbd.Access.GuestIdentities"/> takes them.</summary>
    public IEnumerable<string> Identities => Certificates
        .Concat(Uids.Select(Scheduler.Nbd.Access.GuestIdentities.OfUser))
        .Concat(Domains.Select(Scheduler.Nbd.Access.GuestIdentities.OfDomain));
}

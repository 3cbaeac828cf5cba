using System.Text.Json.Serialization;
using Scheduler.Actors;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api.Entities;

/// <summary>Who owns disks: the unit of fairness.</summary>
internal record GuestFields : EntityFields
{
    /// <summary>Share of device time relative to other guests; 1 to 10000, 100 by default.</summary>
    public int? Weight { get; init; }

    /// <summary>4 KiB-read equivalents a second that are met before shares; 0, the default: none.</summary>
    public long? Reservation { get; init; }

    /// <summary>4 KiB-read equivalents a second that are not exceeded; 0, the default: none.</summary>
    public long? Limit { get; init; }

    /// <summary>Longest time that a flush may be held back to gather company, in nanoseconds; 0 to 60 s, 100 ms by default.</summary>
    public long? FlushLatencyNsMax { get; init; }

    /// <summary>Most bytes that may be written and not flushed; 1 MiB to 1 TiB, 256 MiB by default.</summary>
    public long? UnflushedBytesMax { get; init; }

    /// <summary>Bytes of payload buffers, over all connections; 33 MiB to 4 GiB, 64 MiB by default.</summary>
    public long? BufferMemory { get; init; }

    /// <summary>Connections at once, over all disks; 1 to 65536, 128 by default.</summary>
    public int? ConnectionsMax { get; init; }

    /// <summary>The guest with these fields.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fields">What is said of it.</param>
    /// <param name="before">As it is; null if it is new.</param>
    /// <returns>The guest.</returns>
    public static CatalogGuest Put(string name, GuestFields fields, CatalogGuest? before)
    {
        before ??= new CatalogGuest { Name = name };
        return before with
        {
            Weight = fields.Weight ?? before.Weight,
            Reservation = fields.Reservation ?? before.Reservation,
            Limit = fields.Limit ?? before.Limit,
            FlushLatencyNsMax = fields.FlushLatencyNsMax ?? before.FlushLatencyNsMax,
            UnflushedBytesMax = fields.UnflushedBytesMax ?? before.UnflushedBytesMax,
            BufferMemory = fields.BufferMemory ?? before.BufferMemory,
            ConnectionsMax = fields.ConnectionsMax ?? before.ConnectionsMax,
        };
    }
}

/// <summary>A guest as it is shown.</summary>
internal sealed record GuestItem : GuestFields, IEntityItem
{
    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public required long Revision { get; init; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public required bool Declared { get; init; }

    /// <summary>What it does now.</summary>
    [JsonPropertyOrder(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public GuestState? State { get; init; }

    /// <summary>Shows a guest.</summary>
    /// <param name="guest">It.</param>
    /// <param name="revision">Its revision.</param>
    /// <param name="isDeclared">Whether the configuration file declares it.</param>
    /// <returns>What is shown.</returns>
    public static GuestItem Of(CatalogGuest guest, long revision, bool isDeclared) => new()
    {
        Name = guest.Name,
        Revision = revision,
        Declared = isDeclared,
        Weight = guest.Weight,
        Reservation = guest.Reservation,
        Limit = guest.Limit,
        FlushLatencyNsMax = guest.FlushLatencyNsMax,
        UnflushedBytesMax = guest.UnflushedBytesMax,
        BufferMemory = guest.BufferMemory,
        ConnectionsMax = guest.ConnectionsMax,
    };
}

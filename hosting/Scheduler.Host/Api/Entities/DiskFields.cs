using System.Text.Json.Serialization;
using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Host.Running;

namespace Scheduler.Host.Api.Entities;

/// <summary>What a guest sees: a run of a volume's bytes, or a logical volume.</summary>
internal record DiskFields : EntityFields
{
    private const string NeededByNew = "volume and guest, and on a volume that is no group size";

    /// <summary>Name of the volume that it lies on.</summary>
    public string? Volume { get; init; }

    /// <summary>Name of the guest that owns it.</summary>
    public string? Guest { get; init; }

    /// <summary>First byte on the volume, a multiple of 4096; by default the first place that is large enough. Null for a logical
    /// volume.</summary>
    public long? Offset { get; init; }

    /// <summary>Bytes, a positive multiple of 4096; 0 for a logical volume.</summary>
    public long? Size { get; init; }

    /// <summary>The logical volume that it is, on a volume group; null on another volume.</summary>
    public string? LogicalVolume { get; init; }

    /// <summary>How barriers are carried out; with flush-fua there are none.</summary>
    [JsonConverter(typeof(Word<OrderedMode>))]
    public OrderedMode? Ordered { get; init; }

    /// <summary>The disk with these fields.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fields">What is said of it.</param>
    /// <param name="before">As it is; null if it is new.</param>
    /// <returns>The disk.</returns>
    /// <exception cref="ApiRefusal">A new one lacks something.</exception>
    public static CatalogDisk Put(string name, DiskFields fields, CatalogDisk? before)
    {
        before ??= new CatalogDisk
        {
            Name = name,
            Volume = Needed(fields.Volume, "disk", NeededByNew),
            Guest = Needed(fields.Guest, "disk", NeededByNew),
            Size = fields.LogicalVolume is null ? Needed(fields.Size, "disk", NeededByNew) : 0,
        };
        return before with
        {
            Volume = fields.Volume ?? before.Volume,
            Guest = fields.Guest ?? before.Guest,
            Offset = fields.Offset ?? before.Offset,
            Size = fields.Size ?? before.Size,
            LogicalVolume = fields.LogicalVolume ?? before.LogicalVolume,
            Ordered = fields.Ordered ?? before.Ordered,
        };
    }
}

/// <summary>A disk as it is shown.</summary>
internal sealed record DiskItem : DiskFields, IEntityItem
{
    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public required long Revision { get; init; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public required bool Declared { get; init; }

    /// <summary>What it does now; left out if it is not served.</summary>
    [JsonPropertyOrder(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DiskState? State { get; init; }

    /// <summary>Shows a disk.</summary>
    /// <param name="disk">It.</param>
    /// <param name="revision">Its revision.</param>
    /// <param name="isDeclared">Whether the configuration file declares it.</param>
    /// <returns>What is shown.</returns>
    public static DiskItem Of(CatalogDisk disk, long revision, bool isDeclared) => new()
    {
        Name = disk.Name,
        Revision = revision,
        Declared = isDeclared,
        Volume = disk.Volume,
        Guest = disk.Guest,
        Offset = disk.Offset,
        Size = disk.Size,
        LogicalVolume = disk.LogicalVolume,
        Ordered = disk.Ordered,
    };
}

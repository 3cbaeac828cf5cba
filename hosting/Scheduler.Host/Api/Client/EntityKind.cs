using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Host.Api.Client;

/// <summary>A field of an entity.</summary>
/// <param name="Json">Its name in the API.</param>
/// <param name="Name">Its name for people: as in configuration files.</param>
/// <param name="Type">How its values are written.</param>
/// <param name="Description">What it is.</param>
internal sealed record Field(string Json, string Name, FieldType Type, string Description)
{
    /// <summary>Whether lists have a column for it.</summary>
    public bool IsListed { get; init; } = true;
}

/// <summary>A kind of entity that the admin API makes, changes and deletes: its fields are those of the catalog's records.</summary>
/// <param name="Name">One of it.</param>
/// <param name="Path">Where the API has them.</param>
/// <param name="Fields">What can be set.</param>
internal sealed record EntityKind(string Name, string Path, params IReadOnlyList<Field> Fields)
{
    /// <summary><see cref="CatalogVolume"/>.</summary>
    public static readonly EntityKind Volume = new(
        "volume",
        "volumes",
        new Field("path", "path", FieldType.File, "File or block device"),
        new Field("physicalVolumes", "lvm", FieldType.Files, "In place of path and size: a physical volume of an LVM2 volume group; once for each"),
        new Field("systemId", "lvm-system-id", FieldType.Text, "This host's LVM2 system id") { IsListed = false },
        new Field("size", "size", FieldType.Size, "Bytes to use, a multiple of 4096"),
        new Field("preallocate", "preallocate", FieldType.Flag, "Allocate a new file's space at once") { IsListed = false },
        new Field("cache", "cache", FieldType.Choice<CacheMode>(), "Use of the page cache"),
        new Field("io", "io", FieldType.Choice<IoMethod>(), "How requests reach the file") { IsListed = false },
        new Field("depth", "depth", FieldType.Number, "Most operations in flight on the device"),
        new Field("latencyTargetNs", "latency-target", FieldType.Duration, "Longest time that operations may queue inside the device; 0s: the depth is fixed"),
        new Field("policy", "policy", FieldType.Choice<PolicyKind>(), "Which request goes to the device next"));

    /// <summary><see cref="CatalogDisk"/>.</summary>
    public static readonly EntityKind Disk = new(
        "disk",
        "disks",
        new Field("volume", "volume", FieldType.Text, "The volume that it lies on"),
        new Field("guest", "guest", FieldType.Text, "The guest that owns it"),
        new Field("offset", "offset", FieldType.Size, "First byte on the volume. Default: the first place that is large enough"),
        new Field("size", "size", FieldType.Size, "Bytes, a multiple of 4096; a disk can grow"),
        new Field("logicalVolume", "lv", FieldType.Text, "On a volume group, in place of offset and size: the logical volume"),
        new Field("ordered", "ordered", FieldType.Choice<OrderedMode>(), "How barriers are carried out"));

    /// <summary><see cref="CatalogGuest"/>.</summary>
    public static readonly EntityKind Guest = new(
        "guest",
        "guests",
        new Field("weight", "weight", FieldType.Number, "Share of device time relative to other guests"),
        new Field("reservation", "reservation", FieldType.Number, "4 KiB-read equivalents a second that are met before shares; 0: none"),
        new Field("limit", "limit", FieldType.Number, "4 KiB-read equivalents a second that are not exceeded; 0: none"),
        new Field("flushLatencyNsMax", "flush-latency-max", FieldType.Duration, "Longest time that a flush may be held back to gather company"),
        new Field("unflushedBytesMax", "unflushed-max", FieldType.Size, "Bytes that may be written and not flushed"),
        new Field("bufferMemory", "buffer-memory", FieldType.Size, "Payload buffers over all its connections"),
        new Field("connectionsMax", "connections-max", FieldType.Number, "Connections at once, over all its disks"));

    /// <summary><see cref="CatalogIdentity"/>.</summary>
    public static readonly EntityKind Identity = new(
        "identity",
        "identities",
        new Field("type", "type", FieldType.Choice<CatalogIdentityType>(), "How a client shows it"),
        new Field("value", "value", FieldType.Text, "What it shows: the subject, 64 hexadecimal digits, or a user id"),
        new Field("guest", "guest", FieldType.Text, "The guest that such a client is"));

    /// <summary><see cref="CatalogToken"/>, as far as the API shows it.</summary>
    public static readonly EntityKind Token = new(
        "token",
        "tokens",
        new Field("role", "role", FieldType.Choice<CatalogRole>(), "What its bearer may do: look, or change things too"));
}

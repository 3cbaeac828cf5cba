using System.Text.Json.Serialization;
using Scheduler.Actors;
using Scheduler.Core;
using Scheduler.Host.Running;
using Scheduler.Storage;

namespace Scheduler.Host.Api.Entities;

/// <summary>Shared storage that one scheduler owns.</summary>
internal record VolumeFields : EntityFields
{
    /// <summary>File or block device, an absolute path; null for a volume group.</summary>
    public string? Path { get; init; }

    /// <summary>Physical volumes of an LVM2 volume group, as absolute paths; empty, the default, if it is none.</summary>
    public IReadOnlyList<string>? PhysicalVolumes { get; init; }

    /// <summary>This host's LVM2 system id, only for a volume group; an empty one takes it away.</summary>
    public string? SystemId { get; init; }

    /// <summary>Bytes, a multiple of 4096, up to 4 PiB; 0 for a volume group.</summary>
    public long? Size { get; init; }

    /// <summary>Allocate a new file's space at once; false by default.</summary>
    public bool? Preallocate { get; init; }

    /// <summary>Use of the page cache; direct by default.</summary>
    [JsonConverter(typeof(Word<CacheMode>))]
    public CacheMode? Cache { get; init; }

    /// <summary>How requests reach the file; auto by default.</summary>
    [JsonConverter(typeof(Word<IoMethod>))]
    public IoMethod? Io { get; init; }

    /// <summary>Most operations in flight on the device; 1 to 1024, 32 by default.</summary>
    public int? Depth { get; init; }

    /// <summary>Longest mean time that operations may queue inside the device, in nanoseconds; 0 to 10 s, 10 ms by default; 0: the
    /// depth is fixed.</summary>
    public long? LatencyTargetNs { get; init; }

    /// <summary>Which request goes to the device next; fair by default.</summary>
    [JsonConverter(typeof(Word<PolicyKind>))]
    public PolicyKind? Policy { get; init; }

    /// <summary>The volume with these fields.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="fields">What is said of it.</param>
    /// <param name="before">As it is; null if it is new.</param>
    /// <returns>The volume.</returns>
    public static CatalogVolume Put(string name, VolumeFields fields, CatalogVolume? before)
    {
        before ??= new CatalogVolume { Name = name };
        return before with
        {
            Path = fields.Path ?? before.Path,
            PhysicalVolumes = fields.PhysicalVolumes ?? before.PhysicalVolumes,
            SystemId = fields.SystemId is null ? before.SystemId : fields.SystemId.Length > 0 ? fields.SystemId : null,
            Size = fields.Size ?? before.Size,
            Preallocate = fields.Preallocate ?? before.Preallocate,
            Cache = fields.Cache ?? before.Cache,
            Io = fields.Io ?? before.Io,
            Depth = fields.Depth ?? before.Depth,
            LatencyTargetNs = fields.LatencyTargetNs ?? before.LatencyTargetNs,
            Policy = fields.Policy ?? before.Policy,
        };
    }
}

/// <summary>A volume as it is shown.</summary>
internal sealed record VolumeItem : VolumeFields, IEntityItem
{
    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public required long Revision { get; init; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public required bool Declared { get; init; }

    /// <summary>What it does now.</summary>
    [JsonPropertyOrder(1), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public VolumeFigures? State { get; init; }

    /// <summary>Shows a volume.</summary>
    /// <param name="volume">It.</param>
    /// <param name="revision">Its revision.</param>
    /// <param name="isDeclared">Whether the configuration file declares it.</param>
    /// <returns>What is shown.</returns>
    public static VolumeItem Of(CatalogVolume volume, long revision, bool isDeclared) => new()
    {
        Name = volume.Name,
        Revision = revision,
        Declared = isDeclared,
        Path = volume.Path,
        PhysicalVolumes = volume.PhysicalVolumes,
        SystemId = volume.SystemId,
        Size = volume.Size,
        Preallocate = volume.Preallocate,
        Cache = volume.Cache,
        Io = volume.Io,
        Depth = volume.Depth,
        LatencyTargetNs = volume.LatencyTargetNs,
        Policy = volume.Policy,
    };
}

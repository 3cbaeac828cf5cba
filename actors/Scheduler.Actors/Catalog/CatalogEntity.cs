using System.Text.Json.Serialization;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors;

/// <summary>What the catalog holds. The values are part of addresses and messages, not of what is stored.</summary>
public enum CatalogKind
{
    /// <summary>A <see cref="CatalogVolume"/>.</summary>
    Volume,

    /// <summary>A <see cref="CatalogGuest"/>.</summary>
    Guest,

    /// <summary>A <see cref="CatalogDisk"/>.</summary>
    Disk,

    /// <summary>A <see cref="CatalogToken"/>.</summary>
    Token,

    /// <summary>A <see cref="CatalogIdentity"/>.</summary>
    Identity,
}

/// <summary>Something in the catalog: a value, stored as JSON by <see cref="CatalogFormat"/>. A default is for who makes one;
/// what is stored has every field.</summary>
public abstract record CatalogEntity
{
    /// <summary>Its name, one of its kind (<see cref="CatalogLimits.IsName"/>).</summary>
    public required string Name { get; init; }

    /// <summary>Its kind.</summary>
    [JsonIgnore]
    public abstract CatalogKind Kind { get; }

    /// <summary>Whether another entity has the same content.</summary>
    /// <param name="other">The other one.</param>
    /// <returns>Whether putting it would change nothing.</returns>
    public virtual bool IsSame(CatalogEntity other) => Equals(other);
}

/// <summary>Shared storage that one scheduler owns.</summary>
public sealed record CatalogVolume : CatalogEntity
{
    /// <summary>File or block device, an absolute path that no other volume has; null for a volume group, and for a declared
    /// volume without a file.</summary>
    public string? Path { get; init; }

    /// <summary>Physical volumes of an LVM2 volume group, as absolute paths; empty if it is none.</summary>
    [JsonRequired]
    public IReadOnlyList<string> PhysicalVolumes { get; init; } = [];

    /// <summary>This host's LVM2 system id; null: none. Only for a volume group.</summary>
    public string? SystemId { get; init; }

    /// <summary>Bytes, a multiple of 4096, up to 4 PiB; 0 for a volume group, which has the size that it has.</summary>
    [JsonRequired]
    public long Size { get; init; }

    /// <summary>Allocate a new file's space at once.</summary>
    [JsonRequired]
    public bool Preallocate { get; init; }

    /// <summary>Use of the page cache.</summary>
    [JsonRequired, JsonConverter(typeof(Kebab<CacheMode>))]
    public CacheMode Cache { get; init; } = CacheMode.Direct;

    /// <summary>How requests reach the file.</summary>
    [JsonRequired, JsonConverter(typeof(Kebab<IoMethod>))]
    public IoMethod Io { get; init; } = IoMethod.Auto;

    /// <summary>Most operations in flight on the device; 1 to 1,024.</summary>
    [JsonRequired]
    public int Depth { get; init; } = 32;

    /// <summary>Longest mean time that operations may queue inside the device, in nanoseconds; 0 to 10 s, 0: the depth is
    /// fixed.</summary>
    [JsonRequired]
    public long LatencyTargetNs { get; init; } = 10_000_000;

    /// <summary>Which request goes to the device next.</summary>
    [JsonRequired, JsonConverter(typeof(Kebab<PolicyKind>))]
    public PolicyKind Policy { get; init; } = PolicyKind.Fair;

    /// <summary>It is an LVM2 volume group.</summary>
    [JsonIgnore]
    public bool IsGroup => PhysicalVolumes.Count > 0;

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogKind Kind => CatalogKind.Volume;

    /// <summary>All paths of it.</summary>
    [JsonIgnore]
    public IEnumerable<string> Paths => Path is null ? PhysicalVolumes : PhysicalVolumes.Prepend(Path);

    /// <inheritdoc/>
    public override bool IsSame(CatalogEntity other) =>
        other is CatalogVolume volume
        && this with { PhysicalVolumes = volume.PhysicalVolumes } == volume
        && PhysicalVolumes.SequenceEqual(volume.PhysicalVolumes);
}

/// <summary>Who owns disks: the unit of fairness.</summary>
public sealed record CatalogGuest : CatalogEntity
{
    /// <summary>Share of device time relative to other guests; 1 to 10,000.</summary>
    [JsonRequired]
    public int Weight { get; init; } = 100;

    /// <summary>4 KiB-read equivalents a second that are met before shares; 0: none.</summary>
    [JsonRequired]
    public long Reservation { get; init; }

    /// <summary>4 KiB-read equivalents a second that are not exceeded, at least the reservation; 0: none.</summary>
    [JsonRequired]
    public long Limit { get; init; }

    /// <summary>Longest time that a flush may be held back to gather company, in nanoseconds; 0 to 60 s.</summary>
    [JsonRequired]
    public long FlushLatencyNsMax { get; init; } = 100_000_000;

    /// <summary>Most bytes that may be written and not flushed; 1 MiB to 1 TiB.</summary>
    [JsonRequired]
    public long UnflushedBytesMax { get; init; } = 256L << 20;

    /// <summary>Bytes of payload buffers, over all the guest's connections; 33 MiB to 4 GiB.</summary>
    [JsonRequired]
    public long BufferMemory { get; init; } = 64L << 20;

    /// <summary>Connections at once, over all its disks; 1 to 65,536.</summary>
    [JsonRequired]
    public int ConnectionsMax { get; init; } = 128;

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogKind Kind => CatalogKind.Guest;
}

/// <summary>What a guest sees: a run of a volume's bytes, or a logical volume.</summary>
public sealed record CatalogDisk : CatalogEntity
{
    /// <summary>Name of the volume that it lies on.</summary>
    public required string Volume { get; init; }

    /// <summary>Name of the guest that owns it.</summary>
    public required string Guest { get; init; }

    /// <summary>First byte on the volume, a multiple of 4096. Null in a command: where it is, or for a new disk the first place
    /// that is large enough; always set in the catalog, but for a logical volume.</summary>
    public long? Offset { get; init; }

    /// <summary>Bytes, a positive multiple of 4096; 0 for a logical volume, which has the size that its group says.</summary>
    [JsonRequired]
    public long Size { get; init; }

    /// <summary>The logical volume that it is, on a volume group; null on another volume.</summary>
    public string? LogicalVolume { get; init; }

    /// <summary>How barriers are carried out.</summary>
    [JsonRequired, JsonConverter(typeof(Kebab<OrderedMode>))]
    public OrderedMode Ordered { get; init; } = OrderedMode.FlushFua;

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogKind Kind => CatalogKind.Disk;

    /// <summary>The byte after its last one on the volume.</summary>
    [JsonIgnore]
    internal long End => Offset.GetValueOrDefault() + Size;
}

/// <summary>What the bearer of a token may do.</summary>
public enum CatalogRole
{
    /// <summary>Look.</summary>
    Viewer,

    /// <summary>Look, and change.</summary>
    Operator,
}

/// <summary>An admin token. The token itself is shown once, to who made it, and kept nowhere.</summary>
public sealed record CatalogToken : CatalogEntity
{
    /// <summary>What its bearer may do.</summary>
    [JsonConverter(typeof(Kebab<CatalogRole>))]
    public required CatalogRole Role { get; init; }

    /// <summary>SHA-256 of the token, a random secret of 256 bits: 64 hexadecimal digits in small letters.</summary>
    public required string Hash { get; init; }

    /// <summary>When it was made, in UTC.</summary>
    public required DateTimeOffset Created { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogKind Kind => CatalogKind.Token;
}

/// <summary>How a client shows who it is.</summary>
public enum CatalogIdentityType
{
    /// <summary>The subject of its TLS certificate: <c>CN=</c> and the common name, of 1 to 64 characters.</summary>
    CertificateSubject,

    /// <summary>SHA-256 of its TLS certificate: 64 hexadecimal digits in small letters.</summary>
    CertificateFingerprint,

    /// <summary>The user id of a process that connects to a Unix socket.</summary>
    UnixUid,

    /// <summary>The name of its Xen domain, or the domain's UUID in small letters: 1 to 64 printable characters.</summary>
    XenDomain,
}

/// <summary>Which guest a client is.</summary>
public sealed record CatalogIdentity : CatalogEntity
{
    /// <summary>How the client shows it.</summary>
    [JsonConverter(typeof(Kebab<CatalogIdentityType>))]
    public required CatalogIdentityType Type { get; init; }

    /// <summary>What it shows; no other identity has the same.</summary>
    public required string Value { get; init; }

    /// <summary>Name of the guest that it is.</summary>
    public required string Guest { get; init; }

    /// <inheritdoc/>
    [JsonIgnore]
    public override CatalogKind Kind => CatalogKind.Identity;
}

/// <summary>An enumeration's member by its name in small letters with hyphens, and never by its number.</summary>
/// <typeparam name="T">The enumeration.</typeparam>
internal sealed class Kebab<T>() : JsonStringEnumConverter<T>(System.Text.Json.JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
